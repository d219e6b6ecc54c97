// What a file is that is not ONNX, as far as its first bytes tell.
#pragma once

#include <string_view>

namespace titrate::engine {

/// Throws Error(invalid) that says what the file seems to be and what to do.
[[noreturn]] void throw_not_onnx(std::string_view bytes);

}  // namespace titrate::engine
