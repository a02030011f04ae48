/* scratch -- a folder or a file of one test, in /tmp, where the names of sockets stay short.
 * It goes with its test. What a test that was killed left there goes when another one asks: its name says whose it was, that
 * process is gone, and nobody wrote into it for ten minutes. The folders of end-to-end tests bear such names, too.
 * Threads: any. A failure ends the program. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#define SCRATCH_SIZE 64 /* of a path, for names up to 20 */

void scratch_folder(const char *name, char out[SCRATCH_SIZE]);
int scratch_file(const char *name, char out[SCRATCH_SIZE]); /* open for reading and writing */

/* All that a killed test left in a folder, which is /tmp but in the test of this itself. */
void scratch_sweep(const char *folder);

#endif
