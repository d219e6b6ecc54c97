// What a Content-Security-Policy asks for to let one inline script run.
#pragma once

#include <string>
#include <string_view>

namespace titrate::html {

/// "sha256-" and the digest of the text in base64 (W3C CSP3, 2.3.1: hash-source).
[[nodiscard]] std::string script_hash(std::string_view text);

}  // namespace titrate::html
