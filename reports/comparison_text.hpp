// A comparison for a terminal.
#pragma once

#include <string>

#include "reports/comparison.hpp"
#include "reports/report.hpp"

namespace titrate {

/// An aligned table in the order of the layers, the worst marked, and what follows from it.
[[nodiscard]] std::string comparison_text(const ComparisonRecord& comparison, const ReportOptions& options);

}  // namespace titrate
