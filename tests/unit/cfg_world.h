/* SPDX-License-Identifier: MIT
 *
 * Loading a configuration in a test: from a text as a file, from a list of variables and flags.
 */
#ifndef TW_TESTS_CFG_WORLD_H
#define TW_TESTS_CFG_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/cfg.h"
#include "protocol/status.h"

/* The text as tapewarden.zpl in a directory of its own; the messages name it by that path. */
struct cfg_file {
    char directory[64];
    char path[96];
};

static inline struct cfg_file cfg_file_make(const char *text)
{
    struct cfg_file file = {.directory = "/tmp/tapewarden-cfg-XXXXXX"};
    assert_non_null(mkdtemp(file.directory));
    snprintf(file.path, sizeof file.path, "%s/tapewarden.zpl", file.directory);
    FILE *out = fopen(file.path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    return file;
}

static inline void cfg_file_remove(const struct cfg_file *file)
{
    unlink(file->path);
    rmdir(file->directory);
}

static inline struct tw_cfg *cfg_load_good(const struct tw_cfg_sources *sources)
{
    struct tw_cfg_error error = {0};
    struct tw_cfg *cfg = tw_cfg_load(sources, &error);
    if (cfg == NULL)
        fail_msg("%s", error.text);
    return cfg;
}

/* The sentence must be exactly this. */
static inline void cfg_load_bad(const struct tw_cfg_sources *sources, const char *sentence)
{
    struct tw_cfg_error error = {0};
    struct tw_cfg *cfg = tw_cfg_load(sources, &error);
    assert_null(cfg);
    assert_string_equal(error.text, sentence);
    assert_int_equal(error.exit_code, TW_EXIT_USAGE);
}

/* The sentence behind "<path>" must be exactly this (":12: ..."). */
static inline void cfg_text_bad(const char *text, const char *sentence)
{
    struct cfg_file file = cfg_file_make(text);
    char expected[600];
    snprintf(expected, sizeof expected, "%s%s", file.path, sentence);
    cfg_load_bad(&(struct tw_cfg_sources){.file = file.path}, expected);
    cfg_file_remove(&file);
}

static inline struct tw_cfg *cfg_text_good(const char *text)
{
    struct cfg_file file = cfg_file_make(text);
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.file = file.path});
    cfg_file_remove(&file);
    return cfg;
}

static inline void cfg_set_bad(const char *set, const char *sentence)
{
    cfg_load_bad(&(struct tw_cfg_sources){.sets = &set, .set_count = 1}, sentence);
}

static inline struct tw_cfg *cfg_set_good(const char *set)
{
    return cfg_load_good(&(struct tw_cfg_sources){.sets = &set, .set_count = 1});
}

static inline char *cfg_shown(const struct tw_cfg *cfg, bool json)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    tw_cfg_show(cfg, out, json);
    fclose(out);
    return text;
}

#endif
