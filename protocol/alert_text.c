/* SPDX-License-Identifier: MIT
 *
 * An alert for people and for programs.
 */
#include "protocol/alert_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "protocol/json_text.h"

void tw_time_format(int64_t ts_ns, char out[TW_TIME_TEXT_MAX])
{
    int64_t second = ts_ns / TW_NS_PER_SECOND, rest_ns = ts_ns % TW_NS_PER_SECOND;
    if (rest_ns < 0) {
        rest_ns += TW_NS_PER_SECOND;
        second--;
    }
    struct tm broken;
    time_t time = (time_t)second;
    size_t length = gmtime_r(&time, &broken) == NULL ? 0 : strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &broken);
    if (rest_ns != 0) {
        length += (size_t)snprintf(out + length, TW_TIME_TEXT_MAX - length, ".%09" PRId64, rest_ns);
        while (out[length - 1] == '0')
            length--;
    }
    memcpy(out + length, "Z", 2);
}

void tw_time_format_mail(int64_t ts_ns, char out[TW_TIME_TEXT_MAX])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm t = {0};
    time_t time = (time_t)(ts_ns / TW_NS_PER_SECOND);
    gmtime_r(&time, &t);
    snprintf(out, TW_TIME_TEXT_MAX, "%s, %02u %s %04u %02u:%02u:%02u +0000", days[t.tm_wday % 7],
             (unsigned)t.tm_mday % 32, months[t.tm_mon % 12], (unsigned)(t.tm_year + 1900) % 10000,
             (unsigned)t.tm_hour % 24, (unsigned)t.tm_min % 60, (unsigned)t.tm_sec % 61);
}

/* ---- for people ---- */

static const char *colour_of(const struct tw_alert_view *view)
{
    if (tw_text_is(view->event, "resolve") || tw_text_is(view->event, "retract"))
        return "\033[2m";
    if (tw_text_is(view->severity, "CRITICAL"))
        return "\033[1;31m";
    if (tw_text_is(view->severity, "HIGH"))
        return "\033[31m";
    return tw_text_is(view->severity, "MEDIUM") ? "\033[33m" : "\033[36m";
}

static void print_padded(FILE *out, struct tw_text text, int width)
{
    fprintf(out, "%-*.*s ", width, (int)text.length, text.bytes);
}

void tw_alert_print_line(FILE *out, const struct tw_alert_view *view, bool colour)
{
    char time[TW_TIME_TEXT_MAX];
    tw_time_format(view->ts_ns, time);
    fprintf(out, "%-30s ", time);
    if (colour)
        fputs(colour_of(view), out);
    print_padded(out, view->severity, 8);
    if (colour)
        fputs("\033[0m", out);
    print_padded(out, view->type, 25);
    print_padded(out, view->entity, 16);
    print_padded(out, view->event, 8);
    fprintf(out, "%.*s\n", (int)view->message.length, view->message.bytes);
}

/* ---- for programs ---- */

static void print_key(FILE *out, const char *key)
{
    fprintf(out, ",\"%s\":", key);
}

static void print_value(FILE *out, const char *key, const struct tw_pack_value *value)
{
    print_key(out, key);
    switch (value->type) {
    case TW_PACK_STR:
        tw_json_text(out, value->text);
        break;
    case TW_PACK_UINT:
        fprintf(out, "%" PRIu64, value->uint);
        break;
    case TW_PACK_INT:
        fprintf(out, "%" PRId64, value->sint);
        break;
    case TW_PACK_FLOAT:
        tw_json_double(out, value->real);
        break;
    default:
        fputs("null", out);
        break;
    }
}

static void print_features(FILE *out, struct tw_alert_view *view)
{
    struct tw_text name;
    double value;
    print_key(out, "features");
    fputc('{', out);
    for (uint32_t i = 0; i < view->feature_count && tw_alert_next_feature(view, &name, &value); i++) {
        if (i > 0)
            fputc(',', out);
        tw_json_text(out, name);
        fputc(':', out);
        tw_json_double(out, value);
    }
    fputc('}', out);
}

static void print_trades(FILE *out, struct tw_alert_view *view)
{
    struct tw_alert_trade trade;
    print_key(out, "trades");
    fputc('[', out);
    for (uint32_t i = 0; i < view->trades_listed && tw_alert_next_trade(view, &trade); i++) {
        fprintf(out, "%s{\"seq\":%" PRIu64 ",\"pub\":", i > 0 ? "," : "", trade.seq);
        tw_json_text(out, trade.publisher);
        fprintf(out, ",\"pseq\":%" PRIu64, trade.pseq);
        if (trade.id.length > 0)
            tw_json_member(out, "id", trade.id);
        fputc('}', out);
    }
    fputc(']', out);
}

void tw_alert_print_json(FILE *out, struct tw_alert_view *view)
{
    fprintf(out, "{\"n\":%" PRIu64, view->n);
    tw_json_member(out, "id", view->id);
    tw_json_member(out, "event", view->event);
    tw_json_member(out, "type", view->type);
    tw_json_member(out, "severity", view->severity);
    tw_json_member(out, "entity_type", view->entity_type);
    tw_json_member(out, "entity", view->entity);
    tw_json_member(out, "message", view->message);
    print_value(out, "threshold", &view->threshold);
    print_value(out, "value", &view->value);
    tw_json_member(out, "unit", view->unit);
    print_features(out, view);
    tw_json_member(out, "rule", view->rule);
    fprintf(out, ",\"rule_version\":%" PRIu32, view->rule_version);
    tw_json_member(out, "config", view->config);
    if (view->model.length > 0)
        tw_json_member(out, "model", view->model);
    else
        fputs(",\"model\":null", out);
    fprintf(out, ",\"seq\":%" PRIu64 ",\"ts\":%" PRId64, view->seq, view->ts_ns);
    print_trades(out, view);
    fprintf(out, ",\"trade_count\":%" PRIu64 ",\"detected_at\":%" PRId64 "}\n", view->trade_count,
            view->detected_at_ns);
}
