#include "tuner/cli/interrupt.hpp"

#include <unistd.h>
#include <csignal>
#include <initializer_list>

namespace titrate::cli {
namespace {

// A signal handler can reach nothing but a variable of this type.
volatile std::sig_atomic_t signals_seen = 0;

void handle(int) {
  if (signals_seen != 0) _exit(130);
  signals_seen = 1;
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = handle;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  // A closed pipe is an error of the write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return signals_seen != 0; }

}  // namespace titrate::cli
