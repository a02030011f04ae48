/* power_cut -- SQLite's default VFS, which knows what a cut of the power would leave of the files in one folder.
 * Of each file there is beside the real one an image of what was synced, and the pieces written since. A cut keeps the image and
 * of the pieces, which a disk writes in any order, some that the seed chooses; a truncation counts as a piece. What was synced through
 * one handle was synced for all. The index of the log is memory and goes.
 * Threads: any. A failure of its own ends the program. */
#ifndef TESTS_SUPPORT_POWER_CUT_H
#define TESTS_SUPPORT_POWER_CUT_H

void power_cut_install(void); /* before a database is opened */
void power_cut_watch(
    const char *folder); /* from now on, for files that are opened then; NULL = ends it */
/* The next sync of this file fails, and what was written since the last one never gets to the disk, though it can be read: so Linux
 * does it, and says so once. */
void power_cut_refuse_sync(const char *name);
void power_cut(const char *to,
    unsigned seed); /* what is left, into that folder, which exists; seed 0: no piece */

#endif
