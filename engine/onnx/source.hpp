// What the readers of nested messages share: whose bytes they read, where external data lies, and the place for warnings.
#pragma once

#include <memory>
#include <protozero/exception.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/external_data.hpp"
#include "engine/onnx/external_locations.hpp"

namespace titrate::engine {

struct Source {
  std::shared_ptr<const void> owner;  ///< keeps the bytes of all messages alive; null: tensors copy them
  ExternalData external;
  std::vector<std::string> warnings;

  /// For a part that is kept as it stands: the external data that it names is not taken along.
  void warn_of_external_data(MessageKind kind, std::string_view message) {
    for (const std::string& location : external_locations(kind, message)) {
      warnings.push_back("a part of the model that is kept as it stands has its data in '" + visible(location) +
                         "': copy that file beside every model that is written");
    }
  }
};

/// Sub-graphs in sub-graphs in ...: more is a mistake or an attack on the stack.
inline constexpr int deepest_subgraph = 16;

/// Runs `read`; errors on the way get the place that `place()` says.
template <class Place, class Read>
auto inside(Place&& place, Read&& read) {
  try {
    return read();
  } catch (Error& error) {
    error.in(place());
    throw;
  } catch (const protozero::exception& exception) {
    throw_invalid(std::string("the protobuf data is damaged: ") + exception.what(), place(), "export or download the model again");
  }
}

}  // namespace titrate::engine
