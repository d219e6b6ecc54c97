// titrate quantize: one config, no search.
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/convert.hpp"
#include "engine/quant/targets/model_type.hpp"
#include "engine/quant/targets/read_target.hpp"
#include "tuner/calibration.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/interrupt.hpp"
#include "tuner/cli/output.hpp"
#include "tuner/cli/threads.hpp"
#include "tuner/cli/weight_form.hpp"
#include "tuner/conversion.hpp"
#include "tuner/load.hpp"

namespace titrate::cli {
namespace {

struct Options {
  std::string model;
  std::string config;
  std::optional<std::string> calibration;
  std::string output;
  std::string form = "qdq";
  std::string target = "onnxruntime";
  std::string model_type = "any";
  int threads = 0;
  bool json = false;
};

// Samples over which each node's own SQNR is measured.
constexpr std::int64_t sensitivity_samples = 32;

engine::Conversion convert_model(const Options& options, const Config& config) {
  const engine::Target target = engine::for_model_type(engine::find_target(options.target), options.model_type);
  const engine::Model model = load_runnable_model(options.model);
  const engine::Model prepared = engine::prepare_float_model(model);
  std::vector<NamedNode> nodes;
  for (const engine::Node& node : prepared.graph.nodes) nodes.push_back({node.name, node.type});
  check_overrides(config, nodes);
  const LoopControl control{.threads = thread_count(options.threads), .progress = {}, .cancelled = interrupted};
  std::shared_ptr<const Dataset> calibration;
  if (options.calibration) calibration = load_data(model, *options.calibration);
  if (calibration == nullptr && needs_data(prepared, config, target))
    throw_usage(cat(to_text(config), " needs calibration data"), "--calibration", "give samples of the model's inputs with --calibration");
  ConvertedModel candidate = Converter(prepared, calibration, weight_form(options.form), {config}, target).convert(config, control);
  if (calibration != nullptr) measure_sensitivity(candidate.reference, candidate.conversion, *calibration, sensitivity_samples, control);
  return std::move(candidate.conversion);
}

nlohmann::ordered_json layer_json(const engine::NodeDecision& decision) {
  nlohmann::ordered_json layer = {{"name", decision.name}, {"type", decision.type}, {"scheme", decision.scheme}};
  layer["sqnr_db"] = decision.sqnr_db ? nlohmann::ordered_json(*decision.sqnr_db) : nlohmann::ordered_json(nullptr);
  layer["weight_sqnr_db"] = decision.scheme == "float" ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(decision.weight_sqnr_db);
  layer["float_bytes"] = decision.float_bytes;
  layer["stored_bytes"] = decision.stored_bytes;
  layer["reason"] = decision.reason;
  return layer;
}

std::string text_of(const engine::Conversion& conversion, std::uint64_t before, std::uint64_t after, const Options& options) {
  std::string text;
  for (const engine::NodeDecision& decision : conversion.decisions) {
    text += cat(visible(decision.name), "  ", visible(decision.type), "  ", decision.scheme);
    if (decision.sqnr_db) text += cat("  ", shortest(std::round(*decision.sqnr_db * 10) / 10), " dB");
    if (!decision.reason.empty()) text += cat("  (", visible(decision.reason), ")");
    text += "\n";
  }
  return text + cat(human_bytes(before), " -> ", human_bytes(after), ", written to ", visible(options.output), "\n");
}

int run(const Options& options) {
  const Config config = parse_config(options.config);
  const engine::Conversion conversion = convert_model(options, config);
  engine::save_model(conversion.model, options.output);
  const std::uint64_t size = engine::stored_bytes(options.output);
  if (!engine::quantizes_anything(conversion))
    print_warning(cat("nothing is quantized: the overrides of ", to_text(config), " leave every layer float"));
  if (!options.json) {
    print_text(text_of(conversion, engine::stored_bytes(options.model), size, options));
    return 0;
  }
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const engine::NodeDecision& decision : conversion.decisions) layers.push_back(layer_json(decision));
  print_json({{"schema", 1}, {"config", to_text(config)}, {"size_bytes", size}, {"output", options.output}, {"layers", layers}});
  return 0;
}

}  // namespace

Run add_quantize(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, "the float .onnx file")->required();
  parser
      .add_option("--config", options->config, "one config, such as 'rtn(bits=4,group_size=32) | type:Gemm = float'; see titrate configs")
      ->required();
  parser.add_option("--calibration", options->calibration, "samples for the ranges of activations; also gives each layer's SQNR");
  parser.add_option("--output", options->output, "where the quantized model is written")->required();
  parser.add_option("--form", options->form, "how weight-only matrices are written: qdq, or nbits (com.microsoft MatMulNBits)")
      ->check(CLI::IsMember({"qdq", "nbits"}));
  parser.add_option("--target", options->target, "what will run it: onnxruntime, openvino, tensorrt, any, or a .json description");
  parser.add_option("--model-type", options->model_type, "transformer: what surrounds attention stays float");
  parser.add_option("--threads", options->threads, "threads; default: all processors")->check(CLI::Range(1, 1024));
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
