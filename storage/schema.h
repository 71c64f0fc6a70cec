/* schema.h: the shape of the database file: its mark, its version, and the way up from older ones. */
#ifndef FC_SCHEMA_H
#define FC_SCHEMA_H

#include "error.h"
#include <sqlite3.h>

#define FC_APPLICATION_ID 0x46434431 /* "FCD1" in the file's header: ours */

/* Refuses a file that is not ours or is newer than this program, before anything in it is changed. The connection must be fresh.
 * FC_CONFLICT "database_foreign" or "database_newer", FC_CORRUPT, FC_IO. */
FC_MUST_CHECK enum fc_status fc_schema_check(sqlite3 *db, struct fc_error *e);
/* Runs the migrations that the file lacks, all in one transaction. */
FC_MUST_CHECK enum fc_status fc_schema_migrate(sqlite3 *db, struct fc_error *e);
/* The user_version of an up-to-date file. */
int fc_schema_version(void);

#endif
