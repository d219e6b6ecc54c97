// The reports' files, each with its function: for table.cpp alone.
#pragma once

#include "reports/report.hpp"

namespace titrate {

[[nodiscard]] std::string render_terminal(const StudyRecord& study, const ReportOptions& options);
[[nodiscard]] std::string render_json(const StudyRecord& study, const ReportOptions& options);
[[nodiscard]] std::string render_markdown(const StudyRecord& study, const ReportOptions& options);
[[nodiscard]] std::string render_html(const StudyRecord& study, const ReportOptions& options);

}  // namespace titrate
