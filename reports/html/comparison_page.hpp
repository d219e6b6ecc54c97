// A comparison as one page.
#pragma once

#include <string>

#include "reports/comparison.hpp"

namespace titrate::html {

/// It needs nothing else and has no script: charts along the network, histograms of the worst layers, the table.
[[nodiscard]] std::string comparison_page(const ComparisonRecord& comparison);

}  // namespace titrate::html
