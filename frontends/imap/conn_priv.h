/* frontends/imap/conn_priv.h – between conn.c, which runs the machine, and conn_line.c, which reads commands. */
#ifndef WD_IMAP_CONN_PRIV_H
#define WD_IMAP_CONN_PRIV_H
#include "frontends/imap/conn.h"

/** The step of IMAP_CONN_LINE. */
bool imap_conn_step_line(struct imap_conn *c);
/** Frees what the lexer holds of the last command, and wipes it: it may have been a password. */
void imap_conn_forget_line(struct imap_conn *c);

/** One command is over: what may be told is told, then comes its answer, then what follows it. */
void imap_conn_finish(struct imap_conn *c);
/** "* BYE …" goes out and the connection ends; only where no literal is half sent. */
void imap_conn_say_bye(struct imap_conn *c);
/** One BAD answer more; too many end the connection. */
void imap_conn_count_bad(struct imap_conn *c);
/** ST_OUT, ST_AUTH or ST_SELECTED. */
unsigned imap_conn_state_bit(const struct imap_conn *c);
#endif
