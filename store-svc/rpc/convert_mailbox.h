/* store-svc/rpc/convert_mailbox.h – mailboxes and their changes as protobuf messages in the call's arena. */
#ifndef WD_STORE_RPC_CONVERT_MAILBOX_H
#define WD_STORE_RPC_CONVERT_MAILBOX_H
#include "store-svc/domain/journal.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/rpc/call.h"

/** Fills an uninitialised message; bytes are borrowed from the mailbox. */
void wd_pb_mailbox(struct wd_call *call, const struct wd_mailbox *from, Wd__V1__Mailbox *to);
/** The keywords among flags as stored; *bits becomes the system flags. An arena array of n_keywords. */
ProtobufCBinaryData *wd_pb_keywords(struct wd_call *call, const struct wd_str *flags, size_t n, uint32_t *bits,
                                    size_t *n_keywords);
/** Fills an uninitialised message from a journal row; false for rows that a session does not hear of (CREATE). */
bool wd_pb_change(struct wd_call *call, const struct wd_journal_row *row, Wd__V1__MailboxChange *to);
#endif
