/* Makes every fdatasync and fsync of a process take SLOW_SYNC_MS longer, and appends a dot to the file SLOW_SYNC_COUNT for each, so that a test can see that it was there. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void slow(void) {
  const char *ms = getenv("SLOW_SYNC_MS"), *count = getenv("SLOW_SYNC_COUNT");
  long span = ms ? atol(ms) : 0;
  struct timespec pause = {span / 1000, span % 1000 * 1000000};
  nanosleep(&pause, 0);
  if (!count) return;
  int file = open(count, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0) return;
  if (write(file, ".", 1) != 1) abort();
  close(file);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  slow();
  return real(fd);
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  slow();
  return real(fd);
}
