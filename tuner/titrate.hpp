// titrate as a C++ library: load a float ONNX model, tune it against your own function, or quantize it step by step.
//
//   find_package(titrate REQUIRED)
//   target_link_libraries(mine PRIVATE titrate::titrate)
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/quant/edges/quantizer.hpp"

namespace titrate {

class Dataset;
namespace engine {
class Plan;
struct Model;
}  // namespace engine

/// A float32 array, row-major.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Samples and labels as --data takes them: .npz, .npy, a .json description, a folder of pictures, or "embedded".
class Data {
 public:
  /// Throws Error (code invalid) if it does not fit the model.
  [[nodiscard]] static Data open(const std::string& source, const class Model& model);
  [[nodiscard]] std::int64_t size() const;  ///< samples

  [[nodiscard]] const std::shared_ptr<const Dataset>& dataset() const { return dataset_; }

 private:
  std::shared_ptr<const Dataset> dataset_;
};

/// An ONNX model, float or quantized. Copies are cheap: they share everything.
class Model {
 public:
  /// Throws Error (code invalid) naming file and reason, for an operator that titrate does not know too.
  [[nodiscard]] static Model load(const std::filesystem::path& file);
  /// Whole or not at all.
  void save(const std::filesystem::path& file) const;

  /// Bytes of the .onnx file, external data included.
  [[nodiscard]] std::uint64_t size_bytes() const;
  /// Runs the model: one array for each input, in the model's order; returns one for each output. For models whose inputs and outputs are
  /// float32.
  [[nodiscard]] std::vector<Array> run(const std::vector<Array>& inputs) const;
  /// A built-in metric on data: "top1", "top5"; "mse", "cosine" and "sqnr" compare with `reference`.
  [[nodiscard]] double evaluate(const Data& data, const std::string& metric, const Model* reference = nullptr) const;

  struct Parts;
  explicit Model(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] const Parts& parts() const { return *parts_; }

 private:
  std::shared_ptr<const Parts> parts_;
};

/// How autotune() searches. The names are those of the command line.
struct TuneOptions {
  std::string config_set = "all";  ///< a set, a config text, or a .json file
  double tolerable_loss = 0.01;
  bool relative_loss = true;  ///< false: in units of the metric
  bool higher_is_better = true;
  int max_trials = 100;
  std::optional<double> timeout_seconds = {};
  std::string objective = "first";       ///< "first", "size" or "latency"
  std::string strategy = "exhaustive";   ///< "exhaustive", "random", "fallback" or "fallback_bf16"
  std::string target = "onnxruntime";    ///< what will run the models: "onnxruntime", "openvino", "tensorrt", "any", or a .json file
  std::string model_type = "any";        ///< "transformer": what surrounds attention stays float
  std::optional<Data> calibration = {};  ///< samples for the ranges of activations: without it, configs that need it are failed trials
  std::filesystem::path study = {};      ///< keeps every trial and lets a run go on; empty: none is kept
  std::filesystem::path output = {};     ///< the best model so far; empty: none is written
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all processors
};

/// One config tried.
struct Trial {
  int number = 0;
  std::string config;
  std::string state;  ///< "passed", "failed_goal", "error"
  std::optional<double> metric;
  std::optional<double> loss;
  std::optional<std::int64_t> size_bytes;
  std::string reason;
};

struct TuneResult {
  bool met = false;            ///< a trial passed
  std::optional<Model> model;  ///< the best: passing if met, else the one with the least loss; none if no trial gave a model
  std::optional<Trial> best;
  std::vector<Trial> trials;
  double baseline = 0;  ///< the function's value for the float model
};

/// Gives a model its number. Called once for the float model and once for each candidate. An exception or NaN is a failed trial; for the
/// float model it ends the run with Error (code baseline_failed).
using EvaluationFunction = std::function<double(const Model& candidate)>;

[[nodiscard]] TuneResult autotune(const Model& model, const TuneOptions& options, const EvaluationFunction& evaluate);

/// A model with a config, and the samples to calibrate it with.
class Prepared {
 public:
  struct Parts;
  explicit Prepared(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] Parts& parts() const { return *parts_; }

 private:
  std::shared_ptr<Parts> parts_;
};

/// Prepares a model for a config such as "static_int8()" or "rtn(bits=4) | type:Gemm = float", and for what will run it (see TuneOptions).
/// Throws Error (code usage) for a wrong text.
[[nodiscard]] Prepared prepare(const Model& model, const std::string& config, const std::string& target = "onnxruntime");
/// Gives the prepared model the samples that convert() will run through it. Not needed for rtn, hqq and dynamic_int8.
void calibrate(Prepared& prepared, const Data& data);
/// The quantized model. Throws Error (code invalid) if calibration is missing or the config quantizes nothing.
[[nodiscard]] Model convert(const Prepared& prepared);

/// How one annotated edge came out.
struct QuantizedEdge {
  Edge edge;
  std::string quantizer;  ///< who annotated it
  std::string type;       ///< of the codes, as ONNX calls it: "uint8"
  QuantizationParameters parameters;
};

struct QuantizedModel {
  Model model;
  std::vector<QuantizedEdge> edges;  ///< all but those that stay float, by node
  std::vector<std::string> remarks;  ///< what there is to say: constants that saturate
};

/// Lets quantizers annotate the edges of a model one after the other, finds the parameters on calibration data (null: none is needed, as
/// where only constants are quantized), and writes QuantizeLinear and DequantizeLinear. What is quantized is exactly what they said: one
/// pair for each value, unless its edges have different parameters.
///
///   class EightBitSigmoids : public titrate::Quantizer {
///    public:
///     std::string name() const override { return "sigmoids"; }
///     void annotate(const titrate::GraphDescription& graph, titrate::Annotations& annotations) const override {
///       for (const auto& node : graph.nodes()) {
///         if (node.type == "Sigmoid") annotations.annotate(titrate::output_of(node.name), titrate::FixedSpec{.scale = 1.0F / 256});
///       }
///     }
///   };
///   const EightBitSigmoids mine;
///   const auto rest = titrate::static_int8_quantizer();
///   const auto quantized = titrate::quantize(model, {mine, *rest}, &data);
///
/// Throws Error (code usage) for an edge that is not there, naming the nearest, for one that two quantizers annotate, for parameters that
/// are shared or derived in a circle, and for specs that do not fit; Error (code invalid) if calibration data are missing, nothing is
/// quantized, or a check finds that the target (as in TuneOptions) would compute something else than the model says.
[[nodiscard]] QuantizedModel quantize(const Model& model, const std::vector<std::reference_wrapper<const Quantizer>>& quantizers,
                                      const Data* calibration = nullptr, const std::string& target = "onnxruntime");

/// What the scheme static_int8 quantizes, as a quantizer: around nodes and values that quantizers before it annotated. `config` may have
/// fields and overrides: "static_int8(calibrator=mse) | type:Gemm = float"; `target` as in TuneOptions.
[[nodiscard]] std::unique_ptr<const Quantizer> static_int8_quantizer(const std::string& config = "static_int8()",
                                                                     const std::string& target = "onnxruntime");

}  // namespace titrate
