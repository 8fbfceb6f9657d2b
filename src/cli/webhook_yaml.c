#include "cli/webhook_yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "serve/doctor.h"

/* In single quotes nothing but a quote means anything; line breaks need double ones. */
static void put_text(struct buf *out, const char *key, const char *value)
{
    if (!value)
        return;
    const bool broken = strchr(value, '\n') != NULL;
    buf_printf(out, "%s: %c", key, broken ? '"' : '\'');
    for (const char *p = value; *p; p++) {
        if (*p == '\n')
            buf_puts(out, "\\n");
        else if (!broken && *p == '\'')
            buf_puts(out, "''");
        else if (broken && (*p == '"' || *p == '\\'))
            buf_printf(out, "\\%c", *p);
        else
            buf_putc(out, *p);
    }
    buf_printf(out, "%c, ", broken ? '"' : '\'');
}

static void put_own(struct buf *out, const struct verify_scheme *s)
{
    static const char *const forms[] = { "bare", "list", "fields" };
    static const char *const hashes[] = { "sha256", "sha512", "sha1" };
    scoped(freep) char *signs = doctor_template(s);
    put_text(out, "header", s->sets[0].signature);
    put_text(out, "timestamp_header", s->sets[0].timestamp);
    put_text(out, "id_header", s->sets[0].id);
    put_text(out, "prefix", s->prefix);
    if (s->form != VERIFY_BARE)
        buf_printf(out, "header_form: %s, ", forms[s->form]);
    if (s->form == VERIFY_LIST)
        buf_printf(out, "separator: %s, ", s->separator == ' ' ? "space" : "comma");
    put_text(out, "time_field", s->time_field);
    put_text(out, "signature_field", s->signature_field);
    put_text(out, "signed", signs);
    if (s->hash != VERIFY_SHA256)
        buf_printf(out, "hash: %s, ", hashes[s->hash]);
    buf_printf(out, "encoding: %s, ", s->encoding == VERIFY_HEX ? "hex" : "base64");
}

void webhook_yaml(struct buf *out, const struct doctor_report *r, const char *secret_file)
{
    static const char *const forms[] = { "text", "base64", "hex" };
    scoped(buf_free) struct buf file = BUF_INIT;
    put_text(&file, "file", secret_file);
    buf_truncate(&file, file.len - strlen(", "));
    buf_puts(out, "webhook: {");
    if (strcmp(r->scheme->preset, "own") == 0)
        put_own(out, r->scheme);
    else
        buf_printf(out, "preset: %s, ", r->scheme->preset);
    buf_printf(out, "secrets: [{%s", buf_str(&file));
    if (!r->reading_usual && r->reading <= READ_HEX)
        buf_printf(out, ", secret_form: %s", forms[r->reading]);
    buf_puts(out, "}]}");
}
