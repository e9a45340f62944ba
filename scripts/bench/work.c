/*
 * What no program at hand does: calls in a loop, in threads and in processes.
 *
 *     work stat TIMES PATH            looks at a file, again and again
 *     work clock TIMES                asks for the time, again and again
 *     work pingpong TIMES             a byte to and fro between two processes
 *     work threads THREADS TIMES      each opens, reads and closes a file
 *     work processes PROCESSES TIMES  each looks at a file, all at once
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long times;
static const char *path = "/usr/bin";

static void must(int holds)
{
	if (!holds) {
		perror("work");
		exit(1);
	}
}

static void look(void)
{
	struct stat found;
	for (long i = 0; i < times; i++)
		must(stat(path, &found) == 0);
}

static void ask_for_time(void)
{
	struct timespec now;
	for (long i = 0; i < times; i++)
		must(clock_gettime(CLOCK_REALTIME, &now) == 0);
}

static void *open_files(void *unused)
{
	char buffer[512];
	for (long i = 0; i < times; i++) {
		int fd = open("page.ps", O_RDONLY | O_CLOEXEC);
		must(fd >= 0 && read(fd, buffer, sizeof buffer) > 0);
		close(fd);
	}
	return unused;
}

static void play(void)
{
	int there[2], back[2];
	char ball = 'x';
	must(pipe(there) == 0 && pipe(back) == 0);
	pid_t other = fork();
	must(other >= 0);
	for (long i = 0; i < times; i++) {
		if (other == 0) {
			must(read(there[0], &ball, 1) == 1);
			must(write(back[1], &ball, 1) == 1);
		} else {
			must(write(there[1], &ball, 1) == 1);
			must(read(back[0], &ball, 1) == 1);
		}
	}
	if (other == 0)
		_exit(0);
	must(waitpid(other, NULL, 0) == other);
}

static void in_threads(long count)
{
	pthread_t *threads = calloc(count, sizeof *threads);
	must(threads != NULL);
	for (long i = 0; i < count; i++)
		must(pthread_create(&threads[i], NULL, open_files, NULL) == 0);
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* All of them are there before the first one begins. */
static void in_processes(long count)
{
	int gate[2], status;
	char end;
	must(pipe(gate) == 0);
	for (long i = 0; i < count; i++) {
		pid_t child = fork();
		must(child >= 0);
		if (child > 0)
			continue;
		close(gate[1]);
		must(read(gate[0], &end, 1) == 0);
		look();
		_exit(0);
	}
	close(gate[1]);
	for (long i = 0; i < count; i++)
		must(wait(&status) > 0 && status == 0);
}

int main(int argc, char **argv)
{
	long first = argc > 2 ? atol(argv[2]) : 0;
	times = argc > 3 ? atol(argv[3]) : first;
	if (argc > 3 && strcmp(argv[1], "stat") == 0) {
		times = first;
		path = argv[3];
		look();
	} else if (argc > 2 && strcmp(argv[1], "clock") == 0)
		ask_for_time();
	else if (argc > 2 && strcmp(argv[1], "pingpong") == 0)
		play();
	else if (argc > 3 && strcmp(argv[1], "threads") == 0)
		in_threads(first);
	else if (argc > 3 && strcmp(argv[1], "processes") == 0)
		in_processes(first);
	else
		return 2;
	return 0;
}
