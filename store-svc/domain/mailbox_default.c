/* The mailboxes that every account starts with, in the language of its owner. */
#include "common/base/clock.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/schema.h"

enum { SENT, TRASH, DRAFTS, JUNK, SPECIALS };

static const struct {
    const char *special_use;
    bool short_lived; /* at most WD_RETENTION_MAX_MS */
} specials[SPECIALS] = {
    [SENT] = { "\\Sent", false },
    [TRASH] = { "\\Trash", true },
    [DRAFTS] = { "\\Drafts", false },
    [JUNK] = { "\\Junk", true },
};

/* clang-format off */
static const struct {
    const char *language;
    const char *names[SPECIALS];
} translations[] = {
    { "en", { "Sent Mail",            "Trash",           "Drafts",        "Junk" } },
    { "ar", { "البريد المرسل",        "سلة المهملات",    "المسودات",      "البريد غير الهام" } },
    { "cs", { "Odeslaná pošta",       "Koš",             "Koncepty",      "Nevyžádaná pošta" } },
    { "da", { "Sendt post",           "Papirkurv",       "Kladder",       "Uønsket post" } },
    { "de", { "Gesendet",             "Papierkorb",      "Entwürfe",      "Spam" } },
    { "el", { "Απεσταλμένα",          "Κάδος",           "Πρόχειρα",      "Ανεπιθύμητα" } },
    { "es", { "Enviados",             "Papelera",        "Borradores",    "Correo no deseado" } },
    { "et", { "Saadetud kirjad",      "Prügikast",       "Mustandid",     "Rämpspost" } },
    { "fi", { "Lähetetyt",            "Roskakori",       "Luonnokset",    "Roskaposti" } },
    { "fr", { "Messages envoyés",     "Corbeille",       "Brouillons",    "Indésirables" } },
    { "he", { "דואר שנשלח",           "אשפה",            "טיוטות",        "דואר זבל" } },
    { "hu", { "Elküldött levelek",    "Kuka",            "Piszkozatok",   "Levélszemét" } },
    { "it", { "Posta inviata",        "Cestino",         "Bozze",         "Posta indesiderata" } },
    { "ja", { "送信済みメール",       "ゴミ箱",          "下書き",        "迷惑メール" } },
    { "ko", { "보낸 편지함",          "휴지통",          "임시 보관함",   "스팸 편지함" } },
    { "lt", { "Išsiųsti laiškai",     "Šiukšlinė",       "Juodraščiai",   "Brukalas" } },
    { "lv", { "Nosūtītās vēstules",   "Atkritne",        "Melnraksti",    "Mēstules" } },
    { "nb", { "Sendt e-post",         "Papirkurv",       "Utkast",        "Søppelpost" } },
    { "nl", { "Verzonden berichten",  "Prullenbak",      "Concepten",     "Ongewenste e-mail" } },
    { "no", { "Sendt e-post",         "Papirkurv",       "Utkast",        "Søppelpost" } },
    { "pl", { "Wysłane",              "Kosz",            "Szkice",        "Spam" } },
    { "pt", { "Enviados",             "Lixo",            "Rascunhos",     "Spam" } },
    { "ro", { "Mesaje trimise",       "Coș de gunoi",    "Ciorne",        "Spam" } },
    { "ru", { "Отправленные",         "Корзина",         "Черновики",     "Спам" } },
    { "sk", { "Odoslaná pošta",       "Kôš",             "Koncepty",      "Nevyžiadaná pošta" } },
    { "sv", { "Skickat",              "Papperskorg",     "Utkast",        "Skräppost" } },
    { "tr", { "Gönderilmiş postalar", "Çöp kutusu",      "Taslaklar",     "Önemsiz" } },
    { "uk", { "Надіслані",            "Кошик",           "Чернетки",      "Спам" } },
    { "vi", { "Thư đã gửi",           "Thùng rác",       "Thư nháp",      "Thư rác" } },
    { "zh", { "已发送邮件",           "垃圾箱",          "草稿",          "垃圾邮件" } },
};
/* clang-format on */

static const char *const *
names_in(struct wd_str language)
{
    size_t end = 0;

    while (end < language.n && language.p[end] != '_' && language.p[end] != '-')
        end++;
    language = wd_str_part(language, 0, end);
    for (size_t i = 0; i < WD_COUNT(translations); i++)
        if (wd_str_ieq(language, wd_str_c(translations[i].language)))
            return translations[i].names;
    return translations[0].names;
}

bool
wd_mailbox_create_defaults(struct wd_docs *batch, struct wd_id user, struct wd_str language, int64_t retention_ms,
                           struct wd_error *err)
{
    const char *const *names = names_in(language);
    uint32_t validity = (uint32_t)(wd_now_ms() / 1000);
    bson_t rows[1 + SPECIALS];
    const bson_t *docs[1 + SPECIALS];
    bool ok;

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        struct wd_mailbox row = { .id = wd_id_new(), .user = user, .uid_validity = validity, .subscribed = true };

        row.path = i ? wd_str_c(names[i - 1]) : WD_STR("INBOX");
        row.special_use = i ? wd_str_c(specials[i - 1].special_use) : WD_NONE;
        row.retention_ms = retention_ms;
        if (i && specials[i - 1].short_lived && (retention_ms <= 0 || retention_ms > WD_RETENTION_MAX_MS))
            row.retention_ms = WD_RETENTION_MAX_MS;
        wd_mailbox_to_bson(&row, &rows[i]);
        docs[i] = &rows[i];
    }
    ok = wd_docs_insert_many(batch, WD_MAILBOXES, docs, WD_COUNT(rows), err);
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        bson_destroy(&rows[i]);
    return ok || wd_fail_in(err, "create mailboxes");
}
