/* The floor that runners of commands are compared with: starts a command N times, at most W at once,
 * with posix_spawn, and does nothing else.
 *
 *     spawn_loop W N COMMAND [ARGUMENT…]
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: spawn_loop WORKERS COUNT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    int workers = atoi(argv[1]), left = atoi(argv[2]), running = 0;
    while (left > 0 || running > 0) {
        if (left > 0 && running < workers) {
            pid_t pid;
            if (posix_spawnp(&pid, argv[3], NULL, NULL, argv + 3, environ) != 0) {
                perror(argv[3]);
                return 1;
            }
            left--;
            running++;
        } else if (wait(NULL) > 0) {
            running--;
        }
    }
    return 0;
}
