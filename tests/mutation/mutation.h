/* mutation -- lets one build of a source file behave like any of its mutants: which one is said by the environment.
 *
 * MUTANT=N chooses; without it everything is as written. MUTATION_TRACE=FILE gets a byte set to 1 for each place that
 * was passed (the file is as long as there are mutants). tests/mutation/sites.py puts the calls into a copy of the
 * source and this file in front of it; nothing of the house includes it.
 *
 * Threads: any; what they share is written once, before main. */
#ifndef MUTATION_MUTATION_H
#define MUTATION_MUTATION_H

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Weak: every mutated file of a program brings them, the linker keeps one. */
__attribute__((weak)) int mutation_chosen = -1;
__attribute__((weak)) unsigned char *mutation_passed = NULL;

__attribute__((weak, constructor)) void mutation_open(void)
{
    const char *mutant = getenv("MUTANT"), *trace = getenv("MUTATION_TRACE");
    struct stat st;
    if (mutant)
        mutation_chosen = atoi(mutant);
    if (!trace || mutation_passed)
        return;
    int fd = open(trace, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        abort();
    mutation_passed = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mutation_passed == MAP_FAILED)
        abort();
    close(fd);
}

static inline int mutation_at(int mutant)
{
    if (mutation_passed)
        mutation_passed[mutant] = 1;
    return mutant == mutation_chosen;
}

/* The operand of a switch: a value that no case has when the mutant that lacks this value's case is chosen. */
static inline int mutation_switch(int value, size_t n, const int *mutants, const int *cases)
{
    for (size_t i = 0; i < n; i++)
        if (value == cases[i] && mutation_at(mutants[i]))
            return INT_MIN;
    return value;
}

#endif
