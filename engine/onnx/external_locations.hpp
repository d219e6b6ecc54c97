// Which external data files a message names, wherever in it the tensors stand.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace titrate::engine {

enum class MessageKind { model, function, graph, node, attribute, sparse_tensor, tensor };

/// Throws Error(invalid) if messages are nested too deep, protozero::exception on broken protobuf.
[[nodiscard]] std::set<std::string> external_locations(MessageKind kind, std::string_view message);

}  // namespace titrate::engine
