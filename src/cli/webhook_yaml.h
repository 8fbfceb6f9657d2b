/* webhook_yaml.h - a scheme as the configuration writes it. Pure. */
#ifndef AUTOMARK_CLI_WEBHOOK_YAML_H
#define AUTOMARK_CLI_WEBHOOK_YAML_H

struct buf;
struct doctor_report;

/* "webhook: {preset: github, secrets: [{file: 'x'}]}", for a report that passes. */
void webhook_yaml(struct buf *out, const struct doctor_report *r, const char *secret_file);

#endif
