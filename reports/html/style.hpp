#pragma once

#include <string_view>

namespace titrate::html {

/// The page's style sheet: light and dark, wide and narrow, screen and paper.
extern const std::string_view style;

}  // namespace titrate::html
