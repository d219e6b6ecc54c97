#pragma once

#include <string_view>

namespace titrate::html {

/// The page's script: pointing at a trial and choosing one. The page says everything about the best trial without it. Names reach the page
/// as text nodes alone.
extern const std::string_view script;

}  // namespace titrate::html
