#include "engine/onnx/read.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/onnx/fields.hpp"
#include "engine/onnx/graph_reader.hpp"
#include "engine/onnx/not_onnx.hpp"
#include "engine/onnx/schema.hpp"
#include "engine/onnx/source.hpp"
#include "engine/onnx/tensor_reader.hpp"

namespace titrate::engine {
namespace {

struct ModelFields {
  Model model;
  std::string_view graph;
  int graphs = 0;
  bool has_ir_version = false;
  std::size_t functions = 0;
};

OpsetImport read_opset(std::string_view message) {
  OpsetImport import;
  for (Fields field(message); field.next();) {
    switch (field.tag_and_type()) {
      case stored_as_bytes(schema::opset::domain):
        import.domain = field.text();
        break;
      case stored_as_varint(schema::opset::version):
        import.version = field.get_int64();
        break;
      default:
        field.keep_in(import.extra);
    }
  }
  return import;
}

// None if there is more in the entry than key and value: then it is kept as it stands.
std::optional<std::pair<std::string, std::string>> read_entry(std::string_view message) {
  std::pair<std::string, std::string> entry;
  for (Fields field(message); field.next();) {
    switch (field.tag_and_type()) {
      case stored_as_bytes(schema::entry::key):
        entry.first = field.text();
        break;
      case stored_as_bytes(schema::entry::value):
        entry.second = field.text();
        break;
      default:
        return std::nullopt;
    }
  }
  return entry;
}

void read_metadata(Fields& field, Model& model) {
  Fields copy = field;
  if (auto entry = read_entry(copy.bytes())) {
    field.skip();
    model.metadata.push_back(std::move(*entry));
  } else {
    field.keep_in(model.extra);
  }
}

void read_field(Fields& field, ModelFields& to) {
  switch (field.tag_and_type()) {
    case stored_as_varint(schema::model::ir_version):
      to.model.ir_version = field.get_int64();
      to.has_ir_version = true;
      return;
    case stored_as_bytes(schema::model::producer_name):
      to.model.producer_name = field.text();
      return;
    case stored_as_bytes(schema::model::producer_version):
      to.model.producer_version = field.text();
      return;
    case stored_as_bytes(schema::model::graph):
      to.graph = field.bytes();
      ++to.graphs;
      return;
    case stored_as_bytes(schema::model::opset_import):
      to.model.opsets.push_back(read_opset(field.bytes()));
      return;
    case stored_as_bytes(schema::model::metadata_props):
      return read_metadata(field, to.model);
    case stored_as_bytes(schema::model::functions):
      ++to.functions;
      return field.keep_in(to.model.extra);
    default:
      field.keep_in(to.model.extra);
  }
}

// A model cut off in the middle breaks here already, since its graph says how long it is.
ModelFields split_model(std::string_view bytes) {
  ModelFields fields;
  try {
    for (Fields field(bytes); field.next();) read_field(field, fields);
  } catch (const protozero::end_of_buffer_exception&) {
    if (!fields.has_ir_version) throw_not_onnx(bytes);
    throw_invalid(cat("the file is cut off: the model goes on after its ", bytes.size(), " bytes"), {}, "download or export it again");
  } catch (const protozero::exception& exception) {
    if (!fields.has_ir_version) throw_not_onnx(bytes);
    throw_invalid(cat("the file is damaged: ", exception.what()), {}, "download or export it again");
  }
  if (!fields.has_ir_version) throw_not_onnx(bytes);
  if (fields.graphs == 0) throw_invalid("the model has no graph", {}, "the file is cut off or not a model: download or export it again");
  if (fields.graphs > 1) throw_invalid("the model has more than one graph");
  return fields;
}

// Nodes belong to the highest version that is imported of their domain (onnx/onnx: onnx/onnx.proto, ModelProto.opset_import).
void keep_highest_opsets(Model& model) {
  std::vector<OpsetImport> kept;
  for (OpsetImport& import : model.opsets) {
    const auto same = [&](const OpsetImport& other) {
      return other.domain == import.domain || (other.domain.empty() && import.domain == "ai.onnx") ||
             (other.domain == "ai.onnx" && import.domain.empty());
    };
    const auto found = std::find_if(kept.begin(), kept.end(), same);
    if (found == kept.end()) {
      kept.push_back(std::move(import));
      continue;
    }
    model.warnings.push_back(cat("the operator set '", visible(import.domain), "' is imported more than once; the highest version counts"));
    if (import.version > found->version) *found = std::move(import);
  }
  model.opsets = std::move(kept);
}

void check_versions(Model& model) {
  if (model.ir_version < 1) throw_invalid(cat("the IR version ", model.ir_version, " does not exist"), {}, "the file is damaged");
  if (model.ir_version > schema::newest_ir_version) {
    model.warnings.push_back(cat("the IR version ", model.ir_version, " is newer than ", schema::newest_ir_version,
                                 ", the newest one known here; what is unknown is kept as it is"));
  }
  if (model.opsets.empty()) {
    if (model.ir_version >= 3) {
      throw_invalid("the model has no opset_import, so nobody knows what its operators mean", {},
                    "the file is cut off, or the program that wrote it is wrong");
    }
    // Before IR 3 there was one operator set only (onnx/onnx: docs/Versioning.md).
    model.opsets.push_back({.domain = {}, .version = 1});
  }
  for (const OpsetImport& import : model.opsets) {
    if (import.version < 1) throw_invalid(cat("the operator set '", visible(import.domain), "' has the version ", import.version));
  }
  keep_highest_opsets(model);
}

std::string_view as_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

Model read_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                 const std::filesystem::path& folder_of_external_data) {
  ModelFields fields = split_model(as_text(bytes));
  Model model = std::move(fields.model);
  check_versions(model);
  Source source{.owner = std::move(owner), .external = ExternalData(folder_of_external_data), .warnings = std::move(model.warnings)};
  if (fields.functions > 0) {
    source.warnings.push_back(cat("the model defines ", fields.functions, " function", fields.functions == 1 ? "" : "s",
                                  " of its own; they are kept, but nodes that call them cannot be run or quantized"));
  }
  try {
    source.warn_of_external_data(MessageKind::model, model.extra);
    model.graph = read_graph(fields.graph, source, 0);
  } catch (const protozero::exception& exception) {
    throw_invalid(cat("the file is damaged: ", exception.what()), "the graph", "download or export it again");
  }
  model.warnings = std::move(source.warnings);
  verify(model.graph);
  return model;
}

Model read_model(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  // Neither a bare "model.onnx" nor "" may turn off external data.
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  try {
    return read_model(file->bytes(), file, folder);
  } catch (const Error& error) {
    throw Error(error.code(), cat(visible(path.filename().string()), ": ", error.message()), error.where(), error.hint());
  }
}

Tensor read_tensor(std::span<const std::byte> bytes) {
  Source source{.owner = nullptr, .external = ExternalData({}), .warnings = {}};
  return inside([] { return std::string("a TensorProto"); },
                [&] {
                  ReadTensor read = read_tensor_message(as_text(bytes), source);
                  if (!read.tensor) throw_invalid("the tensor is of an unknown element type");
                  return std::move(*read.tensor);
                });
}

}  // namespace titrate::engine
