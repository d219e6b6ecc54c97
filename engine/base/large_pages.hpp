// Large pages for memory that is about to be written for the first time: cleared by one fault for 2 MB instead of 512.
#pragma once

#include <cstddef>

namespace titrate {

/// For the whole large pages inside the memory; a system without them says no, which does no harm. Contents stay.
void ask_for_large_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace titrate
