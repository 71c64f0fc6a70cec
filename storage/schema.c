/* schema.c: see schema.h. The numbered files of storage/schema/ are built into the binary; a migration's number is the user_version after it.
 *
 * To add a migration: write the next storage/schema/NNN_name.sql and add its row to MIGRATIONS. Files that were released never change. */
#include "schema.h"
#include "statement.h"

#include <stdio.h>

/* number, symbol, file (relative to the root of the repository, where make runs) */
#define MIGRATIONS(X) \
    X(1, fc_schema_001, "storage/schema/001_initial.sql")

/* The compiler marks the object's stack as not executable by itself, since this asm is part of a C file. */
#define EMBED(number, symbol, file) \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" file "\"\n.byte 0\n.popsection\n"); \
    extern const char symbol[] __attribute__((visibility("hidden")));
MIGRATIONS(EMBED)

#define ROW(number, symbol, file) {number, symbol, file},
static const struct migration { int number; const char *sql, *file; } migrations[] = {MIGRATIONS(ROW)};
enum { NMIGRATIONS = sizeof migrations / sizeof *migrations };

int fc_schema_version(void)
{
    return migrations[NMIGRATIONS - 1].number;
}

/* The first column of the first row of a query that always has one. */
static enum fc_status ask(sqlite3 *db, const char *sql, int64_t *out, struct fc_error *e)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    enum fc_status st = FC_OK;
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    else
        st = fc_sql_fail(db, rc, sql, e);
    sqlite3_finalize(s);
    return st;
}

enum fc_status fc_schema_check(sqlite3 *db, struct fc_error *e)
{
    int64_t application = 0, version = 0, objects = 0;
    enum fc_status st = ask(db, "PRAGMA application_id", &application, e);
    if (st == FC_OK)
        st = ask(db, "PRAGMA user_version", &version, e);
    if (st == FC_OK)
        st = ask(db, "SELECT count(*) FROM sqlite_schema", &objects, e);
    if (st != FC_OK)
        return st;
    bool fresh = application == 0 && version == 0 && objects == 0;
    if (!fresh && application != FC_APPLICATION_ID)
        return fc_fail(e, FC_CONFLICT, "database_foreign", "%s is a database of another application (application_id %lld)",
                       sqlite3_db_filename(db, "main"), (long long)application);
    if (version > fc_schema_version())
        return fc_fail(e, FC_CONFLICT, "database_newer", "%s has schema version %lld, and this program knows versions up to %d",
                       sqlite3_db_filename(db, "main"), (long long)version, fc_schema_version());
    return FC_OK;
}

/* One step up, inside the caller's transaction: both header fields are transactional. */
static enum fc_status migrate_one(sqlite3 *db, const struct migration *m, struct fc_error *e)
{
    char pragma[96];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d; PRAGMA application_id = %d;", m->number, FC_APPLICATION_ID);
    int rc = sqlite3_exec(db, m->sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, pragma, NULL, NULL, NULL);
    return rc == SQLITE_OK ? FC_OK : fc_sql_fail(db, rc, m->file, e);
}

enum fc_status fc_schema_migrate(sqlite3 *db, struct fc_error *e)
{
    int64_t version = 0;
    enum fc_status st = ask(db, "PRAGMA user_version", &version, e);
    if (st != FC_OK || version == fc_schema_version())
        return st;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return fc_sql_fail(db, rc, "BEGIN IMMEDIATE", e);
    for (size_t i = 0; i < NMIGRATIONS && st == FC_OK; i++)
        if (migrations[i].number > version)
            st = migrate_one(db, &migrations[i], e);
    if (st == FC_OK) {
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            st = fc_sql_fail(db, rc, "COMMIT", e);
    }
    if (st != FC_OK && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the first error is the one to tell; closing rolls back as well */
    return st;
}
