/* SPDX-License-Identifier: MIT
 *
 * A mail: text and HTML with a picture in it, every line ended by CR LF and short enough for every server, one thread
 * an episode.
 */
#include <stdio.h>
#include <string.h>

#include "actors/delivery/digest_texts.h"
#include "actors/delivery/render.h"
#include "actors/delivery/texts.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"

#define QUOTED_LINE_BYTES 76u
#define SUBJECT_CHARACTERS 120u
#define WORD_CHARACTERS 5u /* an encoded word has at most 75 bytes: 12 around, 3 for each of a character's up to 4 */

/* ---- headers ---- */

/* Plain where it is ASCII, else in encoded words (RFC 2047), a line each. */
static void append_subject(struct tw_buffer *out, const char *text, size_t length)
{
    bool ascii = true;
    for (size_t i = 0; i < length; i++)
        ascii = ascii && text[i] >= ' ' && text[i] <= '~';
    tw_append_format(out, "Subject: ");
    if (ascii)
        tw_buffer_append(out, text, length);
    for (size_t at = 0, bytes; !ascii && at < length; at += bytes) {
        bytes = tw_text_cut(text + at, length - at, WORD_CHARACTERS);
        tw_append_format(out, "%s=?utf-8?Q?", at > 0 ? "\r\n " : "");
        for (size_t i = at; i < at + bytes; i++)
            tw_append_format(out, "=%02X", (unsigned char)text[i]);
        tw_append_format(out, "?=");
    }
    tw_append_format(out, "\r\n");
}

/* The first mail of an episode is what the others answer: its name is the alert's. */
static void append_thread(struct tw_buffer *out, const struct tw_receiver *receiver, const struct tw_letter *letter)
{
    const struct tw_alert_view *view = letter->view;
    const char *domain = tw_mail_domain(receiver->from);
    char first[256];
    snprintf(first, sizeof first, "<%.*s.%s@%s>", (int)view->id.length, view->id.bytes, letter->log_id, domain);
    if (tw_text_is(view->event, "open") || tw_text_is(view->event, "fire")) {
        tw_append_format(out, "Message-ID: %s\r\n", first);
        return;
    }
    tw_append_format(out, "Message-ID: <%s@%s>\r\n", letter->key, domain);
    tw_append_format(out, "In-Reply-To: %s\r\nReferences: %s\r\n", first, first);
}

static void append_headers(struct tw_buffer *out, const struct tw_receiver *receiver, const struct tw_buffer *subject,
                           const char *key, int64_t wall_ns)
{
    char date[TW_TIME_TEXT_MAX];
    tw_time_format_mail(wall_ns, date);
    tw_append_format(out, "From: Tapewarden <%s>\r\nTo: ", receiver->from);
    for (const char *to = receiver->address + strspn(receiver->address, ", "); *to != '\0'; to += strspn(to, ", ")) {
        int length = (int)strcspn(to, ", ");
        tw_append_format(out, "%s<%.*s>", to == receiver->address ? "" : ",\r\n ", length, to);
        to += length;
    }
    tw_append_format(out, "\r\nDate: %s\r\n", date);
    append_subject(out, (const char *)subject->bytes,
                   tw_text_cut((const char *)subject->bytes, subject->length, SUBJECT_CHARACTERS));
    tw_append_format(out, "X-Tapewarden-Key: %s\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", key);
}

/* ---- bodies ---- */

/* Quoted-printable (RFC 2045): only bytes that every server passes on, and short lines. LF becomes CR LF. */
static void append_quoted(struct tw_buffer *out, const struct tw_buffer *text)
{
    size_t column = 0;
    for (size_t i = 0; i < text->length; i++) {
        unsigned char c = text->bytes[i];
        if (c == '\n') {
            tw_buffer_append(out, "\r\n", 2);
            column = 0;
            continue;
        }
        bool ends = i + 1 == text->length || text->bytes[i + 1] == '\n';
        if (column + 3 > QUOTED_LINE_BYTES - 1) {
            tw_buffer_append(out, "=\r\n", 3);
            column = 0;
        }
        bool plain = c > ' ' && c <= '~' && c != '=' && !(c == '.' && column == 0);
        plain = plain || (c == ' ' && !ends);
        size_t width = plain ? 1 : 3;
        if (plain)
            tw_buffer_append(out, &c, 1);
        else
            tw_append_format(out, "=%02X", c);
        column += width;
    }
    tw_buffer_append(out, "\r\n", 2);
}

static void append_part(struct tw_buffer *out, const char *boundary, const char *type, const struct tw_buffer *text)
{
    tw_append_format(out,
                     "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
                     boundary, type);
    append_quoted(out, text);
}

/* Base64 (RFC 2045), in lines of 76. */
static void append_base64(struct tw_buffer *out, const struct tw_buffer *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < bytes->length; at += 3) {
        size_t left = bytes->length - at;
        uint32_t three = (uint32_t)bytes->bytes[at] << 16 | (left > 1 ? (uint32_t)bytes->bytes[at + 1] << 8 : 0u) |
                         (left > 2 ? (uint32_t)bytes->bytes[at + 2] : 0u);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63u], left > 1 ? digits[three >> 6 & 63u] : '=',
                        left > 2 ? digits[three & 63u] : '='};
        tw_buffer_append(out, four, 4);
        if (at % 57 == 54 || left <= 3)
            tw_buffer_append(out, "\r\n", 2);
    }
}

/* The HTML and the picture that it shows, as one. */
static void append_related(struct tw_buffer *out, const char *boundary, const char *key, const struct tw_buffer *html,
                           const char *content_id, const struct tw_buffer *picture)
{
    char inner[96];
    snprintf(inner, sizeof inner, "=_%s-related", key);
    tw_append_format(out, "--%s\r\nContent-Type: multipart/related; type=\"text/html\";\r\n boundary=\"%s\"\r\n\r\n",
                     boundary, inner);
    append_part(out, inner, "text/html", html);
    tw_append_format(out,
                     "--%s\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
                     "Content-ID: <%s>\r\nContent-Disposition: inline; filename=\"curve.png\"\r\n\r\n",
                     inner, content_id);
    append_base64(out, picture);
    tw_append_format(out, "--%s--\r\n", inner);
}

/* "=_" is nothing that quoted-printable writes. picture NULL: none. */
static void append_body(struct tw_buffer *out, const char *key, const struct tw_buffer *text,
                        const struct tw_buffer *html, const char *content_id, const struct tw_buffer *picture)
{
    char boundary[96];
    snprintf(boundary, sizeof boundary, "=_%s", key);
    tw_append_format(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
    append_part(out, boundary, "text/plain", text);
    if (picture == NULL)
        append_part(out, boundary, "text/html", html);
    else
        append_related(out, boundary, key, html, content_id, picture);
    tw_append_format(out, "--%s--\r\n", boundary);
}

/* Whether the HTML shows the picture: a template may leave it out. */
static bool shows(const struct tw_buffer *html, const char *content_id)
{
    return content_id[0] != '\0' && html->length > 0 &&
           memmem(html->bytes, html->length, content_id, strlen(content_id)) != NULL;
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    struct tw_texts texts;
    struct tw_buffer subject = {0}, text = {0}, html = {0};
    tw_request_clear(request);
    tw_texts_of(receiver, letter, &texts);
    tw_text_part(receiver, letter, TW_TEXT_SUBJECT, &subject);
    tw_text_append(receiver, &texts, TW_TEXT_TEXT, 0, &text);
    tw_text_append(receiver, &texts, TW_TEXT_HTML, 0, &html);
    append_headers(&request->body, receiver, &subject, letter->key, wall_ns);
    append_thread(&request->body, receiver, letter);
    append_body(&request->body, letter->key, &text, &html, texts.picture,
                shows(&html, texts.picture) ? letter->picture : NULL);
    tw_buffer_free(&subject);
    tw_buffer_free(&text);
    tw_buffer_free(&html);
}

static void render_digest(const struct tw_receiver *receiver, const struct tw_digest_letter *letter, int64_t wall_ns,
                          struct tw_request *request)
{
    struct tw_digest_texts texts;
    struct tw_buffer subject = {0}, text = {0}, html = {0};
    tw_request_clear(request);
    tw_digest_texts_of(receiver, letter, &texts);
    tw_digest_text_append(receiver, &texts, TW_TEXT_DIGEST_SUBJECT, &subject);
    tw_digest_text_append(receiver, &texts, TW_TEXT_DIGEST_TEXT, &text);
    tw_digest_text_append(receiver, &texts, TW_TEXT_DIGEST_HTML, &html);
    append_headers(&request->body, receiver, &subject, letter->key, wall_ns);
    tw_append_format(&request->body, "Message-ID: <%s@%s>\r\n", letter->key, tw_mail_domain(receiver->from));
    append_body(&request->body, letter->key, &text, &html, NULL, NULL);
    tw_buffer_free(&subject);
    tw_buffer_free(&text);
    tw_buffer_free(&html);
}

/* What came before the mail is about the server or the login, which can be set right; as is 53x. Other 5xx are about
 * this mail. */
static enum tw_delivery_verdict judge(const struct tw_answer *answer)
{
    if (answer->answered && answer->status >= 200 && answer->status < 300)
        return TW_VERDICT_DELIVERED;
    bool rejected = answer->answered && !answer->unheard && answer->status >= 550 && answer->status < 560;
    return rejected ? TW_VERDICT_REJECTED : TW_VERDICT_RETRY;
}

const struct tw_receiver_kind tw_mail = {.name = "mail",
                                         .transport = TW_TRANSPORT_SMTP,
                                         .path = "",
                                         .has_sheet = true,
                                         .sheet = TW_SHEET_MAIL,
                                         .wants_trades = true,
                                         .wants_picture = true,
                                         .pace = {2, 0, TW_PERSON_BURST, TW_PERSON_REFILL_NS},
                                         .render = render,
                                         .judge = judge,
                                         .render_digest = render_digest};
