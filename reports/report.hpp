// A report renders a study; it cannot run anything. A new report is a file beside this one and a row in table.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tuner/study/trial.hpp"

namespace titrate {

struct ReportOptions {
  bool color = false;   ///< terminal only: ANSI colours
  int width = 100;      ///< terminal only: columns
  bool unicode = true;  ///< terminal only: block characters
};

struct ReportRow {
  std::string_view format;  ///< "terminal", "json", "markdown", "html"
  std::string_view what;
  std::string (*render)(const StudyRecord& study, const ReportOptions& options);
};

[[nodiscard]] std::span<const ReportRow> reports();
/// Throws Error(usage) listing the formats.
[[nodiscard]] const ReportRow& report_named(std::string_view format);

/// The verdict in one sentence: what was chosen, what it cost, what was left float.
[[nodiscard]] std::string verdict_sentence(const StudyRecord& study);

}  // namespace titrate
