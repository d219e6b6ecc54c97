// titrate inspect: what a model consists of.
#include <unistd.h>

#include <map>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/ops/operator.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/lowering_document.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/terminal.hpp"
#include "tuner/cli/threads.hpp"
#include "tuner/load.hpp"
#include "tuner/saturation.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string model;
  bool lowering = false;
  std::optional<std::string> calibration;
  bool json = false;
};

using engine::Graph;
using engine::Model;
using engine::Tensor;

std::int64_t learnt_elements(const Tensor& tensor) { return engine::is_float(tensor.type()) ? tensor.elements() : 0; }

// Float elements that the graph itself stores: initializers and Constant nodes, not those of sub-graphs.
std::int64_t parameters(const Graph& graph) {
  std::int64_t sum = 0;
  for (const engine::Value& value : graph.values) sum += value.constant ? learnt_elements(*value.constant) : 0;
  for (const engine::Node& node : graph.nodes) {
    const engine::Attribute* attribute = node.type == "Constant" ? node.find("value") : nullptr;
    const Tensor* tensor = attribute == nullptr ? nullptr : std::get_if<Tensor>(&attribute->content);
    sum += tensor == nullptr ? 0 : learnt_elements(*tensor);
  }
  return sum;
}

std::int64_t parameters_with_subgraphs(const Graph& graph) {
  std::int64_t sum = 0;
  engine::for_each_constant(graph, [&](const std::string&, const Tensor& tensor) { sum += learnt_elements(tensor); });
  return sum;
}

std::map<std::string, int> operator_counts(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const engine::Node& node : graph.nodes) {
    const bool standard = node.domain.empty() || node.domain == "ai.onnx";
    ++counts[standard ? node.type : cat(node.domain, ".", node.type)];
  }
  return counts;
}

nlohmann::ordered_json value_json(const engine::Value& value) {
  nlohmann::ordered_json json = {{"name", value.name}, {"type", nullptr}, {"shape", nullptr}};
  if (!value.info) return json;
  json["type"] = engine::name_of(value.info->type);
  if (!value.info->shape) return json;
  json["shape"] = nlohmann::ordered_json::array();
  for (const engine::Dimension& dimension : *value.info->shape) {
    if (dimension.known()) {
      json["shape"].push_back(dimension.size);
    } else {
      json["shape"].push_back(dimension.symbol.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(dimension.symbol));
    }
  }
  return json;
}

nlohmann::ordered_json values_json(const Graph& graph, const std::vector<engine::ValueId>& ids) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const engine::ValueId id : ids) list.push_back(value_json(graph[id]));
  return list;
}

nlohmann::ordered_json document_of(const Model& model, const Options& options) {
  return {{"schema", 1},
          {"opset", model.opset()},
          {"ir_version", model.ir_version},
          {"producer", cat(model.producer_name, model.producer_version.empty() ? "" : " ", model.producer_version)},
          {"nodes", model.graph.nodes.size()},
          {"parameters", parameters(model.graph)},
          {"parameters_with_subgraphs", parameters_with_subgraphs(model.graph)},
          {"size_bytes", engine::stored_bytes(options.model)},
          {"inputs", values_json(model.graph, model.graph.inputs)},
          {"outputs", values_json(model.graph, model.graph.outputs)},
          {"operators", operator_counts(model.graph)},
          {"unsupported", engine::unsupported_operators(model)},
          {"warnings", model.warnings}};
}

std::string value_text(const nlohmann::ordered_json& value) {
  std::string shape;
  for (const auto& size : value["shape"])
    shape += cat(shape.empty() ? "" : ",", size.is_null() ? "?" : size.is_string() ? size.get<std::string>() : size.dump());
  const std::string type = value["type"].is_null() ? "no tensor" : value["type"].get<std::string>();
  return visible(cat(value["name"].get<std::string>(), "  ", type, value["shape"].is_null() ? "" : cat("[", shape, "]")));
}

std::string text_of(const nlohmann::ordered_json& document) {
  std::string text =
      cat("opset ", document["opset"].dump(), ", IR ", document["ir_version"].dump(), ", ",
          visible(document["producer"].get<std::string>()), "\n", document["nodes"].dump(), " nodes, ",
          document["parameters_with_subgraphs"].dump(), " parameters, ", human_bytes(document["size_bytes"].get<std::uint64_t>()), "\n");
  for (const auto& value : document["inputs"]) text += cat("input   ", value_text(value), "\n");
  for (const auto& value : document["outputs"]) text += cat("output  ", value_text(value), "\n");
  for (const auto& [name, count] : document["operators"].items()) text += cat("  ", count.dump(), " ", visible(name), "\n");
  for (const auto& each : document["unsupported"]) text += cat("not supported: ", visible(each.get<std::string>()), "\n");
  for (const auto& each : document["warnings"]) text += cat("warning: ", visible(each.get<std::string>()), "\n");
  return text;
}

// Samples over which nodes are watched: saturation is frequent or does not matter.
constexpr std::int64_t saturation_samples = 8;

nlohmann::ordered_json lowering_of(const Model& model, const Options& options) {
  if (!options.calibration) return lowering_document(model, {});
  const std::shared_ptr<const Dataset> data = load_data(model, *options.calibration);
  const LoopControl control{.threads = thread_count(0), .progress = {}, .cancelled = interrupted};
  return lowering_document(model, measure_saturation(model, *data, saturation_samples, control), first_sample_shapes(*data));
}

int run(const Options& options) {
  const Model model = engine::read_model(options.model);
  nlohmann::ordered_json document = document_of(model, options);
  if (options.lowering) document["lowering"] = lowering_of(model, options);
  if (options.json) {
    print_json(document);
  } else if (options.lowering) {
    print_text(lowering_text(document["lowering"], terminal_report_options(STDOUT_FILENO).width));
  } else {
    print_text(text_of(document));
  }
  return 0;
}

}  // namespace

Run add_inspect(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, "the .onnx file")->required();
  auto* lowering = parser.add_flag("--lowering", options->lowering, "how each node runs: on integers, or in float and why");
  parser
      .add_option("--calibration", options->calibration,
                  "samples: real sizes to count with, and which nodes saturate on processors without VNNI")
      ->needs(lowering);
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
