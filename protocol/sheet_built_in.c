/* SPDX-License-Identifier: MIT
 *
 * The texts that are sent unless somebody has written others: what happened, who it is about, how much against which
 * limit, since when, which trades.
 */
#include "protocol/sheet.h"

#define HEADLINE "{{#resolved}}RESOLVED {{/resolved}}{{#retracted}}RETRACTED {{/retracted}}{{severity}}: {{message}}"
#define AMOUNT "{{value | number}} {{unit}}, limit {{threshold | number}}{{#percent}} ({{percent}} %){{/percent}}"
#define TRADE                                                                                                          \
    "{{#symbol}}{{side}} {{qty | number}} {{symbol}} at {{price | number}}{{#account}} for {{account}}{{/account}}, "  \
    "{{/symbol}}{{pub}}/{{pseq}}{{#id}} ({{id}}){{/id}}"
#define MORE "{{#more}}; the latest of {{trade_count}}{{/more}}"

/* Of many in one: how many of what, and the latest of the most severe. */
#define MANY                                                                                                           \
    "{{#repeat}}still open: {{/repeat}}{{count}} alert{{^one}}s{{/one}}{{#group}} of {{group}}{{/group}}"              \
    "{{#counts}}{{#first}}: {{/first}}{{^first}}, {{/first}}{{all}} {{type}}"                                          \
    "{{#severities}} ({{severities}}){{/severities}}{{/counts}}"
#define SLACK_ALERTS                                                                                                   \
    "{{#alerts}}{{^first}}\n{{/first}}\xe2\x80\xa2 {{headline | cut:250}} ({{n}}){{/alerts}}" /* a bullet */
#define MAIL_MANY MANY "\n\nNumbers {{first_n}} to {{last_n}}. The latest of the most severe:\n"
#define MAIL_ALERTS "{{#alerts}}\n{{n_column}}  {{headline}}\n{{/alerts}}\n"
#define HTML_MANY                                                                                                      \
    "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n<p><b>" MANY "</b></p>\n"                         \
    "<p>Numbers {{first_n}} to {{last_n}}. The latest of the most severe:</p>\n<ul>\n"                                 \
    "{{#alerts}}\n<li>{{n}} {{headline}}</li>\n{{/alerts}}\n</ul>\n</body></html>\n"

static const char slack[] =
    "{{$headline}}\n"
    "{{#over}}\xe2\x9c\x85{{/over}}{{^over}}{{#critical}}\xf0\x9f\x94\xb4{{/critical}}"
    "{{#high}}\xf0\x9f\x9f\xa0{{/high}}{{#lower}}\xf0\x9f\x9f\xa1{{/lower}}{{/over}} "
    "{{severity}} {{type}}\n"
    "{{/headline}}\n"
    "{{! for notifications, and clients without blocks }}\n"
    "{{$text}}" HEADLINE "{{/text}}\n"
    "{{$body}}{{message}}{{/body}}\n"
    "{{$field}}\n*Alert*\n{{type}}, {{severity}}, {{event}}\n{{/field}}\n"
    "{{$field}}\n*Who*\n{{entity_type}} {{entity}}\n{{/field}}\n"
    "{{$field}}\n*How much*\n" AMOUNT "\n{{/field}}\n"
    "{{$field}}\n*When*\n{{ts}} (event time)\n{{/field}}\n"
    "{{$field}}{{#since}}*Since*\n{{since}} ({{lasted}}){{/since}}{{/field}}\n"
    "{{$field}}\n*Trades*\n{{#trades}}" TRADE "{{^last}}; {{/last}}{{/trades}}" MORE "\n{{/field}}\n"
    "{{$context}}{{n}} (alert {{id}}){{/context}}\n"
    "{{! of many in one message }}\n"
    "{{$digest_summary}}" MANY "{{/digest_summary}}\n"
    "{{$digest_alerts}}\n" SLACK_ALERTS "\n{{/digest_alerts}}\n"
    "{{$group_summary}}" MANY "{{/group_summary}}\n"
    "{{$group_alerts}}\n" SLACK_ALERTS "\n{{/group_alerts}}\n";

static const char pagerduty[] = "{{$summary}}" HEADLINE "{{/summary}}\n";
static const char sns[] = "{{$subject}}" HEADLINE "{{/subject}}\n";
/* Who, how much, when and which trades are annotations of their own there. */
static const char alertmanager[] = "{{$summary}}{{message}}{{/summary}}\n"
                                   "{{! nothing, and then there is no such annotation }}\n"
                                   "{{$description}}{{/description}}\n";
static const char syslog[] = "{{$message}}" HEADLINE "{{/message}}\n";

#define ROW(label, text) "<tr><td><b>" label "</b></td><td>" text "</td></tr>\n"

static const char mail[] =
    "{{$subject}}" HEADLINE "{{/subject}}\n"
    "{{$text}}\n"
    "What      {{message}}\n"
    "Alert     {{type}}, {{severity}}, {{event}}\n"
    "Who       {{entity_type}} {{entity}}\n"
    "How much  " AMOUNT "\n"
    "When      {{ts}} (event time)\n"
    "{{#since}}\n"
    "Since     {{since}} ({{lasted}})\n"
    "{{/since}}\n"
    "Trades    {{#trades}}{{^first}}\n          {{/first}}" TRADE "{{/trades}}" MORE "\n"
    "Number    {{n}} (alert {{id}})\n"
    "{{/text}}\n"
    "{{$html}}\n"
    "<!DOCTYPE html>\n"
    "<html><body style=\"font-family:sans-serif\">\n"
    "<table cellpadding=\"6\" style=\"border-left:6px solid "
    "{{#over}}#2e7d32{{/over}}{{^over}}{{#critical}}#b71c1c{{/critical}}{{#high}}#e65100{{/high}}"
    "{{#lower}}#f9a825{{/lower}}{{/over}};border-collapse:collapse\">\n" ROW("What", "{{message}}") ROW(
        "Alert", "{{type}}, {{severity}}, {{event}}") ROW("Who", "{{entity_type}} {{entity}}") ROW("How much", AMOUNT)
        ROW("When", "{{ts}} (event time)") "{{#since}}\n" ROW("Since", "{{since}} ({{lasted}})") "{{/since}}\n" ROW(
            "Trades", "{{#trades}}{{^first}}<br>{{/first}}" TRADE "{{/trades}}" MORE)
            ROW("Number", "{{n}} (alert {{id}})") "</table>\n"
                                                  "{{#picture}}\n"
                                                  "<p><img src=\"cid:{{picture}}\" width=\"480\" height=\"160\" "
                                                  "alt=\"{{picture_title}}\"><br>"
                                                  "<small>{{picture_title}}</small></p>\n"
                                                  "{{/picture}}\n"
                                                  "</body></html>\n"
                                                  "{{/html}}\n"
                                                  "{{! of many in one message }}\n"
                                                  "{{$digest_subject}}" MANY "{{/digest_subject}}\n"
                                                  "{{$digest_text}}\n" MAIL_MANY MAIL_ALERTS "\n{{/digest_text}}\n"
                                                  "{{$digest_html}}\n" HTML_MANY "{{/digest_html}}\n"
                                                  "{{$group_subject}}" MANY "{{/group_subject}}\n"
                                                  "{{$group_text}}\n" MAIL_MANY MAIL_ALERTS "\n{{/group_text}}\n"
                                                  "{{$group_html}}\n" HTML_MANY "{{/group_html}}\n";

const char *tw_sheet_built_in(enum tw_sheet_kind kind)
{
    static const char *const texts[TW_SHEET_COUNT] = {
        [TW_SHEET_SLACK] = slack, [TW_SHEET_PAGERDUTY] = pagerduty, [TW_SHEET_SNS] = sns,
        [TW_SHEET_MAIL] = mail,   [TW_SHEET_SYSLOG] = syslog,       [TW_SHEET_ALERTMANAGER] = alertmanager};
    return texts[kind];
}
