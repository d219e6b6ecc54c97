// The version of the program and the library.
#pragma once

#include <string_view>

namespace titrate {

[[nodiscard]] std::string_view version();

}  // namespace titrate
