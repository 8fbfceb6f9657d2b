/* log.h - one fact, one line, once, to stderr: logfmt or JSON.
 *
 *   log_info("job sent", LOG_STR("rule", rule), LOG_INT("job", id));
 *   time=2026-08-01T12:00:00.000Z level=info msg="job sent" rule=thanks job=412
 *
 * Only serve/ and cli/ log; everything below returns an error. Ids, yes; reply text
 * and secrets, never. Values are cut at 256 bytes, control characters and bytes that
 * are not UTF-8 are escaped, so that nobody outside can forge a line. Each line is one
 * write(2). Thread-safe; log_setup() before the first thread. */
#ifndef AUTOMARK_BASE_LOG_H
#define AUTOMARK_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
    const char *key; /* NULL: nothing here */
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL } type;
    const char *str; /* NULL: the field is left out */
    int64_t num;
};

#define LOG_STR(k, v)                                                                              \
    {                                                                                              \
        .key = (k), .type = LOG_FIELD_STR, .str = (v)                                              \
    }
#define LOG_INT(k, v)                                                                              \
    {                                                                                              \
        .key = (k), .type = LOG_FIELD_INT, .num = (int64_t)(v)                                     \
    }
#define LOG_BOOL(k, v)                                                                             \
    {                                                                                              \
        .key = (k), .type = LOG_FIELD_BOOL, .num = (v)                                             \
    }

void log_setup(enum log_format format, enum log_level least);
/* fields ends with one whose key is NULL; the first is skipped. */
void log_write(enum log_level level, const char *msg, const struct log_field *fields);

#define LOG_FIELDS(...)                                                                            \
    (const struct log_field[])                                                                     \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .key = NULL                                                                            \
        }                                                                                          \
    }
#define LOG_NONE                                                                                   \
    {                                                                                              \
        .key = "", .type = LOG_FIELD_STR, .str = NULL                                              \
    }
#define log_debug(...) log_write_(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_NONE)
#define log_info(...) log_write_(LOG_LEVEL_INFO, __VA_ARGS__, LOG_NONE)
#define log_warn(...) log_write_(LOG_LEVEL_WARN, __VA_ARGS__, LOG_NONE)
#define log_error(...) log_write_(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_NONE)
#define log_write_(level, msg, ...) log_write(level, msg, LOG_FIELDS(__VA_ARGS__))

#endif
