/* SPDX-License-Identifier: MIT
 *
 * What is written about the keys says what the table says: sample file, README, systemd unit. Runs in the source
 * directory.
 */
#include "tests/unit/cfg_world.h"

#include "cfg/keys.h"

static char *file_text(const char *path)
{
    FILE *in = fopen(path, "r");
    if (in == NULL)
        fail_msg("%s: cannot be opened", path);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t length = fread(text, 1, (1 << 20) - 1, in);
    assert_true(length > 0);
    fclose(in);
    return text;
}

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    print(out);
    fclose(out);
    return text;
}

static void the_sample_file_is_the_table(void **state)
{
    (void)state;
    char *file = file_text("cfg/tapewarden.zpl"), *sample = printed(tw_cfg_sample);
    assert_string_equal(file, sample); /* else: tapewarden config sample > cfg/tapewarden.zpl */
    free(file);
    free(sample);
}

static void the_sample_file_sets_every_available_key_to_its_default(void **state)
{
    (void)state;
    struct tw_cfg *cfg = cfg_load_good(&(struct tw_cfg_sources){.file = "cfg/tapewarden.zpl"});
    char *shown = cfg_shown(cfg, true);
    size_t checked = 0;
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        char expected[400];
        if ((key->flags & (TW_KEY_LATER | TW_KEY_NAMED)) != 0 || key->standard[0] == '\0')
            continue;
        snprintf(expected, sizeof expected,
                 "{\"key\":\"%s\",\"value\":\"%s\",\"source\":\"cfg/tapewarden.zpl:", key->name, key->standard);
        if (strstr(shown, expected) == NULL)
            fail_msg("%s is not in the sample", key->name);
        checked++;
    }
    assert_true(checked > 40);
    free(shown);
    tw_cfg_free(&cfg);
}

static void the_readme_has_the_table(void **state)
{
    (void)state;
    char *readme = file_text("cfg/README.md"), *table = printed(tw_cfg_describe);
    if (strstr(readme, table) == NULL) /* remedy: put the output of `tapewarden config keys` there */
        fail_msg("cfg/README.md does not have the table of cfg/keys.def");
    free(readme);
    free(table);
}

static void the_readme_has_every_bare_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *key;
    } rows[] = {
#define TW_BARE(name, id) {name, #id},
#include "cfg/keys.def"
    };
    char *readme = file_text("cfg/README.md");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char cell[100];
        snprintf(cell, sizeof cell, "| `%s` |", rows[i].name);
        if (strstr(readme, cell) == NULL)
            fail_msg("cfg/README.md does not name %s", rows[i].name);
    }
    free(readme);
}

static void every_secret_can_come_from_a_file(void **state)
{
    (void)state;
    size_t secrets = 0;
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        char name[TW_KEY_BYTES_MAX];
        if ((tw_keys[i].flags & TW_KEY_SECRET) == 0)
            continue;
        bool named = (tw_keys[i].flags & TW_KEY_NAMED) != 0;
        snprintf(name, sizeof name, "%.*s_file%s", (int)strlen(tw_keys[i].name) - (named ? 2 : 0), tw_keys[i].name,
                 named ? "/*" : "");
        assert_non_null(tw_key_by_name(name));
        secrets++;
    }
    assert_int_equal(secrets, 9);
}

static void the_unit_starts_the_daemon_as_it_wants_to_be_started(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\nType=notify\n", "\nDynamicUser=yes\n", "\nStateDirectory=tapewarden\n",
        "\nExecStart=/usr/bin/tapewarden run -c /etc/tapewarden/tapewarden.zpl --data /var/lib/tapewarden\n",
        "\nRestartPreventExitStatus=2\n"};
    char *unit = file_text("cfg/tapewarden.service");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr(unit, lines[i]));
    free(unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_file_is_the_table),
        cmocka_unit_test(the_sample_file_sets_every_available_key_to_its_default),
        cmocka_unit_test(the_readme_has_the_table),
        cmocka_unit_test(the_readme_has_every_bare_name),
        cmocka_unit_test(every_secret_can_come_from_a_file),
        cmocka_unit_test(the_unit_starts_the_daemon_as_it_wants_to_be_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
