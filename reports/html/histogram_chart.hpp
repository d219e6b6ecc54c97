// A histogram with the range that has codes.
#pragma once

#include <string>

#include "reports/comparison.hpp"

namespace titrate::html {

/// Heights are logarithms of the counts, so that the few numbers far out are seen. What lies outside the range is shaded.
[[nodiscard]] std::string histogram_figure(const Histogram& histogram);

}  // namespace titrate::html
