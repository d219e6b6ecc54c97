// The strategies' files, each with the function that makes it: for table.cpp alone.
#pragma once

#include <memory>

#include "strategies/strategy.hpp"

namespace titrate {

[[nodiscard]] std::unique_ptr<Strategy> make_exhaustive();
[[nodiscard]] std::unique_ptr<Strategy> make_random();
[[nodiscard]] std::unique_ptr<Strategy> make_fallback();
[[nodiscard]] std::unique_ptr<Strategy> make_fallback_bf16();

}  // namespace titrate
