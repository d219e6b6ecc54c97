// What the terminal at a file descriptor can show.
#pragma once

#include "reports/report.hpp"

namespace titrate::cli {

/// A terminal, and neither NO_COLOR nor TERM=dumb says otherwise.
[[nodiscard]] bool shows_color(int descriptor);
/// The width of the terminal; 80 where it is none or does not say.
[[nodiscard]] int terminal_columns(int descriptor);
/// Colours, width and characters for a report on this descriptor: plain where it is no terminal.
[[nodiscard]] ReportOptions terminal_report_options(int descriptor);

}  // namespace titrate::cli
