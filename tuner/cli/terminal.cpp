#include "tuner/cli/terminal.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <string_view>

namespace titrate::cli {

bool shows_color(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  return isatty(descriptor) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

int terminal_columns(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ReportOptions terminal_report_options(int descriptor) {
  std::setlocale(LC_CTYPE, "");
  ReportOptions options{.color = shows_color(descriptor), .width = 100, .unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8"};
  winsize size{};
  if (isatty(descriptor) != 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) options.width = size.ws_col;
  return options;
}

}  // namespace titrate::cli
