// Where a quantized model loses accuracy: layers that are spoiled on purpose must be found, with the reason and the way out.
#include "tuner/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/quant/compared_layers.hpp"
#include "engine/quant/partly_float.hpp"
#include "reports/comparison_json.hpp"
#include "reports/comparison_text.hpp"
#include "reports/html/comparison_page.hpp"
#include "tests/datasets/data_files.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tuner/calibration.hpp"

namespace titrate {
namespace {

using engine::Model;
using engine::Sketch;
using engine::Tensor;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int count = 12;

class Noise : public Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return count; }
  [[nodiscard]] std::vector<Tensor> sample(std::int64_t index) const override {
    return {engine::numbers({1, 16}, static_cast<std::uint32_t>(index + 7))};
  }
  [[nodiscard]] bool has_labels() const override { return false; }
  [[nodiscard]] Tensor labels(std::int64_t) const override { return {}; }
  [[nodiscard]] std::string description() const override { return "noise"; }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {}; }
};

// Three products with biases and activations between: first (Gemm), second (MatMul and Add), third (Gemm).
Model network() {
  Sketch sketch(13);
  sketch.input("x", {1, 16});
  sketch.constant("w1", engine::numbers({16, 24}, 1)).constant("b1", engine::numbers({24}, 2, 0.3F));
  sketch.constant("w2", engine::numbers({24, 24}, 3)).constant("b2", engine::numbers({24}, 4, 0.3F));
  sketch.constant("w3", engine::numbers({24, 8}, 5)).constant("b3", engine::numbers({8}, 6, 0.3F));
  sketch.node("Gemm", {"x", "w1", "b1"}, {"first"}).node("Relu", {"first"}, {"a1"});
  sketch.node("MatMul", {"a1", "w2"}, {"product"}).node("Add", {"product", "b2"}, {"second"}).node("Relu", {"second"}, {"a2"});
  sketch.node("Gemm", {"a2", "w3", "b3"}, {"third"}).output("third");
  return sketch.model();
}

const LoopControl one_thread{};

Model quantized(const std::string& config) {
  const Model prepared = engine::prepare_float_model(network());
  const engine::CalibrationStatistics statistics = collect_statistics(prepared, Noise(), false, one_thread);
  return engine::convert(prepared, parse_config(config), statistics).model;
}

ComparisonRecord compared(const Model& candidate, const ComparisonOptions& options = {.samples = count, .histograms = false}) {
  return compare_models(network(), candidate, Noise(), options, one_thread);
}

const LayerComparison& layer_named(const ComparisonRecord& record, const std::string& name) {
  for (const LayerComparison& layer : record.layers) {
    if (layer.name == name) return layer;
  }
  throw Error(ErrorCode::internal, "no layer " + name);
}

// 10^(-dB/10): what the signal is divided by.
double noise(const std::optional<double>& decibel) { return decibel ? std::pow(10, -*decibel / 10) : 0; }

TEST(Comparison, ALayerWithSpoiledWeightsIsTheWorst) {
  const ComparisonRecord record = compared(quantized("rtn(bits=8,group_size=-1) | name:n_product = rtn(bits=2,group_size=-1)"));
  ASSERT_EQ(record.layers.size(), 3U);
  ASSERT_TRUE(record.worst);
  EXPECT_EQ(record.layers[*record.worst].name, "n_product");
  const LayerComparison& worst = record.layers[*record.worst];
  EXPECT_GT(*worst.output_share, 0.9);
  for (const LayerComparison& layer : record.layers) ASSERT_TRUE(layer.weights) << layer.name;
  EXPECT_LT(*worst.weights->sqnr_db, 15);
  EXPECT_GT(*layer_named(record, "n_first").weights->sqnr_db, 35);
  // Weight-only: the weights are all there is.
  EXPECT_EQ(worst.effects.weights_db, worst.alone.sqnr_db);
  EXPECT_FALSE(worst.effects.clipping_db || worst.effects.rounding_db || worst.effects.bias_db);
  EXPECT_TRUE(worst.activations.empty());
  EXPECT_THAT(worst.stored, HasSubstr("int2 weights"));
  EXPECT_EQ(layer_named(record, "n_first").stored, "int8 weights");
}

TEST(Comparison, TheAdviceIsMeasuredAndNearWhatWasPredicted) {
  const ComparisonRecord record = compared(quantized("rtn(bits=8,group_size=-1) | name:n_product = rtn(bits=2,group_size=-1)"));
  ASSERT_TRUE(record.advice);
  EXPECT_EQ(record.advice->layer, "n_product");
  // Keeping it quantized, in more bits, is nearly as good as leaving it float.
  EXPECT_THAT(record.advice->change, HasSubstr("8 bits"));
  EXPECT_EQ(record.advice->config, "name:n_product = rtn(bits=8)");
  EXPECT_GT(record.advice->predicted_db, record.advice->now_db + 10);
  ASSERT_TRUE(record.advice->measured_db);
  EXPECT_NEAR(*record.advice->measured_db, record.advice->predicted_db, 4);
  // Following it in a config gives what was measured.
  const ComparisonRecord better = compared(quantized("rtn(bits=8,group_size=-1)"));
  EXPECT_NEAR(*better.outputs.sqnr_db, *record.advice->measured_db, 1.5);
}

// A range of a tenth of what is there: the scale of one activation is made smaller in the finished model.
Model with_spoiled_range() {
  Model model = quantized("static_int8()");
  const Tensor& scale = engine::constant_named(model, "a1_scale");
  const auto id = *model.graph.find_value("a1_scale");
  model.graph[id].constant = std::make_shared<const Tensor>(Tensor::scalar(scale.data<float>()[0] / 10));
  return model;
}

TEST(Comparison, ARangeThatClipsIsTheCauseAndIsWidened) {
  const ComparisonRecord record = compared(with_spoiled_range());
  ASSERT_TRUE(record.worst);
  const LayerComparison& worst = record.layers[*record.worst];
  EXPECT_EQ(worst.name, "n_product");
  EXPECT_LT(*worst.effects.clipping_db, 6);
  EXPECT_GT(*worst.effects.rounding_db, 30);
  EXPECT_GT(*worst.effects.weights_db, 30);
  ASSERT_EQ(worst.activations.size(), 1U);
  EXPECT_EQ(worst.activations[0].value, "a1");
  EXPECT_GT(worst.activations[0].clipped_share, 0.2);
  EXPECT_NEAR(worst.activations[0].high * 10, worst.activations[0].seen_high, 0.02 * worst.activations[0].seen_high);
  ASSERT_TRUE(record.advice);
  EXPECT_EQ(record.advice->layer, "n_product");
  EXPECT_THAT(record.advice->change, AllOf(HasSubstr("the range"), HasSubstr("(calibrator=minmax)")));
  ASSERT_TRUE(record.advice->measured_db);
  EXPECT_GT(*record.advice->measured_db, record.advice->now_db + 15);
  // The value between two layers has the range that the first asks for.
  EXPECT_EQ(record.advice->config, "name:n_first = static_int8()");
  EXPECT_GT(*compared(quantized(record.advice->whole_config)).outputs.sqnr_db, record.advice->now_db + 15);
}

TEST(Comparison, AdviceOnARangeIsAConfigThatBringsItAbout) {
  const Model model = engine::prepare_float_model(network());
  const auto compare_config = [&](const std::string& config) {
    const engine::CalibrationStatistics statistics = collect_statistics(model, Noise(), true, one_thread);
    const Model candidate = engine::convert(model, parse_config(config), statistics).model;
    return compare_models(model, candidate, Noise(), {.samples = count, .histograms = false}, one_thread);
  };
  // One in twenty numbers is clipped.
  for (const char* config : {"static_int8(calibrator=percentile,percentile=95)",
                             "static_int8(act=s8,act_sym=true,per_channel=false,calibrator=percentile,percentile=95)",
                             "static_int8(calibrator=percentile,percentile=95) | name:n_first = float"}) {
    const ComparisonRecord record = compare_config(config);
    ASSERT_TRUE(record.advice) << config;
    EXPECT_THAT(record.advice->change, HasSubstr("the range")) << config;
    ASSERT_FALSE(record.advice->whole_config.empty()) << config;
    // The whole config is the one that was used and the override.
    EXPECT_THAT(record.advice->whole_config, testing::StartsWith(config));
    EXPECT_THAT(record.advice->whole_config, HasSubstr(record.advice->config));
    EXPECT_GT(*compare_config(record.advice->whole_config).outputs.sqnr_db, *record.outputs.sqnr_db + 0.3) << record.advice->whole_config;
    EXPECT_THAT(comparison_text(record, {}), HasSubstr("(config: " + record.advice->whole_config + ")"));
    EXPECT_EQ(comparison_json(record)["advice"]["whole_config"], record.advice->whole_config);
  }
}

TEST(Comparison, EffectsAddUpToTheLayersNoise) {
  const ComparisonRecord record = compared(quantized("static_int8()"));
  int summed = 0;
  for (const LayerComparison& layer : record.layers) {
    if (!layer.effects.weights_db) continue;
    const LayerEffects& effects = layer.effects;
    const double sum = noise(effects.weights_db) + noise(effects.clipping_db) + noise(effects.rounding_db) + noise(effects.bias_db);
    EXPECT_NEAR(10 * std::log10(noise(layer.alone.sqnr_db) / sum), 0, 1.5) << layer.name;
    EXPECT_LE(layer.worst.sqnr_db, layer.alone.sqnr_db) << layer.name;
    ++summed;
  }
  EXPECT_EQ(summed, 3);
  double shares = 0;
  for (const LayerComparison& layer : record.layers) shares += layer.output_share.value_or(0);
  EXPECT_NEAR(shares, 1, 1e-9);
  ASSERT_TRUE(record.added_db);
  EXPECT_NEAR(*record.added_db, *record.outputs.sqnr_db, 3);
}

TEST(Comparison, TheFirstLayerAloneIsTheFirstLayerAccumulated) {
  // Nothing comes before it: both see the same inputs.
  const ComparisonRecord record = compared(quantized("rtn(bits=4)"));
  EXPECT_EQ(record.layers[0].alone.sqnr_db, record.layers[0].accumulated.sqnr_db);
  EXPECT_EQ(record.layers.back().accumulated.sqnr_db, record.outputs.sqnr_db);
  EXPECT_GT(*record.layers.back().alone.sqnr_db, *record.layers.back().accumulated.sqnr_db);
}

TEST(Comparison, ABiasThatTheProductTookOverIsFound) {
  // static_int8 makes a Gemm of MatMul and Add.
  const LayerComparison layer = layer_named(compared(quantized("static_int8()")), "n_product");
  EXPECT_EQ(layer.type, "Gemm");
  EXPECT_EQ(layer.float_value, "second");
  ASSERT_TRUE(layer.effects.bias_db);
  EXPECT_GT(*layer.effects.bias_db, 60);
}

TEST(Comparison, LayersThatComputeOnCodesAreMeasuredAsAWhole) {
  for (const char* config : {"dynamic_int8()", "dynamic_int8(act=s8)"}) {
    const ComparisonRecord record = compared(quantized(config));
    ASSERT_EQ(record.layers.size(), 3U) << config;
    EXPECT_TRUE(record.unmatched.empty()) << config;
    for (const LayerComparison& layer : record.layers) {
      EXPECT_GT(*layer.alone.sqnr_db, 25) << layer.name;
      EXPECT_FALSE(layer.effects.weights_db) << layer.name;
      EXPECT_THAT(layer.remark, HasSubstr("codes")) << layer.name;
      // The weights' codes are stored and can be compared all the same.
      ASSERT_TRUE(layer.weights) << layer.name;
      EXPECT_GT(*layer.weights->sqnr_db, 40) << layer.name;
      EXPECT_TRUE(layer.output_share) << layer.name;
    }
  }
}

TEST(Comparison, EqualModelsOfOtherWeightsHaveNothingToGain) {
  // 8 bits hold these weights exactly.
  Model model = network();
  for (const char* name : {"w1", "w2", "w3"}) {
    const auto id = *model.graph.find_value(name);
    std::vector<float> whole;
    for (const float number : model.graph[id].constant->data<float>()) whole.push_back(std::round(number * 126));
    whole[0] = 127;
    for (std::size_t column = 0; column < static_cast<std::size_t>(model.graph[id].constant->shape()[1]); ++column) whole[column] = 127;
    model.graph[id].constant = std::make_shared<const Tensor>(Tensor::of<float>(model.graph[id].constant->shape(), whole));
  }
  const Model prepared = engine::prepare_float_model(model);
  const Model candidate = engine::convert(prepared, parse_config("rtn(bits=8,group_size=-1)"), {}).model;
  const ComparisonRecord record = compare_models(model, candidate, Noise(), {.samples = 2, .histograms = false}, one_thread);
  EXPECT_EQ(record.outputs.sqnr_db, 999);
  EXPECT_FALSE(record.advice);
  EXPECT_THAT(comparison_text(record, {}), HasSubstr("nothing to gain"));
}

TEST(Comparison, AllLayersPutBackGiveTheFloatModel) {
  for (const char* config : {"rtn(bits=3)", "static_int8()", "static_int8(act=s8,act_sym=true)", "dynamic_int8()", "fp8()"}) {
    const Model reference = engine::prepare_float_model(network());
    const Model candidate = quantized(config);
    const engine::LayerMatch match = engine::match_layers(reference, candidate);
    std::vector<engine::LayerChange> changes(match.layers.size());
    for (engine::LayerChange& change : changes) change.form = engine::LayerForm::put_back;
    const Model back = engine::change_layers(reference, candidate, match, changes, false);
    const std::vector<Tensor> inputs = Noise().sample(0);
    const Tensor wanted = engine::run_once(reference, inputs)[0];
    const Tensor own = engine::run_once(back, inputs)[0];
    for (std::size_t index = 0; index < 8; ++index) EXPECT_NEAR(own.data<float>()[index], wanted.data<float>()[index], 1e-5) << config;
    const Tensor rounded = engine::run_once(candidate, inputs)[0];
    EXPECT_FALSE(std::ranges::equal(rounded.bytes(), wanted.bytes())) << config;
  }
}

TEST(Comparison, DoesNotDependOnThreads) {
  const Model candidate = quantized("static_int8()");
  const auto document = [&](int threads) {
    return comparison_json(compare_models(network(), candidate, Noise(), {.samples = count, .histograms = false},
                                          {.threads = threads, .progress = {}, .cancelled = {}}))
        .dump();
  };
  EXPECT_EQ(document(1), document(3));
}

TEST(Comparison, ModelsThatDoNotBelongTogetherAreRefused) {
  EXPECT_THAT(error_of([] { (void)compared(network()); }), AllOf(HasSubstr("no quantized layers"), HasSubstr("float model first")));
  Sketch other(13);
  other.input("x", {1, 16}).constant("w", engine::numbers({16, 4})).node("MatMul", {"x", "w"}, {"logits"}).output("logits");
  EXPECT_THAT(error_of([&] { (void)compared(other.model()); }), AllOf(HasSubstr("output 'logits'"), HasSubstr("made from")));
  Sketch inputs(13);
  inputs.input("y", {1, 16}).constant("w", engine::numbers({16, 4})).node("MatMul", {"y", "w"}, {"third"}).output("third");
  EXPECT_THAT(error_of([&] { (void)compared(inputs.model()); }), HasSubstr("input 'y'"));
}

TEST(Comparison, ANormalizationThatWasNotFoldedIsMatchedAsItStands) {
  // Another tool may leave BatchNormalization behind a convolution; this program folds it into the weights.
  Sketch sketch(13);
  sketch.input("x", {1, 3, 6, 6}).constant("w", engine::numbers({4, 3, 3, 3}));
  sketch.constant("scale", engine::positive({4}, 2)).constant("shift", engine::numbers({4}, 3));
  sketch.constant("mean", engine::numbers({4}, 4)).constant("variance", engine::positive({4}, 5));
  sketch.node("Conv", {"x", "w"}, {"c"}).node("BatchNormalization", {"c", "scale", "shift", "mean", "variance"}, {"y"}).output("y");
  const Model model = sketch.model();
  class Pictures final : public Noise {
   public:
    [[nodiscard]] std::vector<Tensor> sample(std::int64_t index) const override {
      return {engine::numbers({1, 3, 6, 6}, static_cast<std::uint32_t>(index + 1))};
    }
  };
  const auto value_and_weights = [&](const Model& start) {
    const Model candidate = engine::convert(start, parse_config("rtn(bits=8,group_size=-1)"), {}).model;
    const ComparisonRecord record = compare_models(model, candidate, Pictures(), {.samples = 2, .histograms = false}, one_thread);
    EXPECT_EQ(record.layers.size(), 1U);
    EXPECT_TRUE(record.unmatched.empty());
    EXPECT_GT(*record.layers[0].weights->sqnr_db, 35);
    EXPECT_GT(*record.layers[0].alone.sqnr_db, 35);
    return record.layers[0].float_value;
  };
  EXPECT_EQ(value_and_weights(model), "c");
  EXPECT_EQ(value_and_weights(engine::prepare_float_model(model)), "y");
}

TEST(Comparison, LayersOfOtherNamesAreNamed) {
  Model candidate = quantized("rtn(bits=4)");
  for (engine::Node& node : candidate.graph.nodes) {
    if (node.name == "n_product") node.name = "renamed";
  }
  candidate.graph[*candidate.graph.find_value("product")].name = "renamed_value";
  const ComparisonRecord record = compared(candidate);
  EXPECT_EQ(record.layers.size(), 2U);
  ASSERT_EQ(record.unmatched.size(), 1U);
  EXPECT_EQ(record.unmatched[0].name, "renamed");
  EXPECT_THAT(comparison_text(record, {}), AllOf(HasSubstr("Not matched: 1 of 3"), HasSubstr("'renamed_value'")));
}

TEST(Comparison, TheReportsSayTheSame) {
  const ComparisonRecord record = compared(with_spoiled_range(), {.samples = count, .histograms = true});
  const std::string text = comparison_text(record, {});
  EXPECT_THAT(text, AllOf(HasSubstr("Worst: n_product"), HasSubstr("is clipped"), HasSubstr("predicted by adding noises")));
  const auto document = comparison_json(record);
  EXPECT_EQ(document["schema"], 1);
  EXPECT_EQ(document["worst_layer"], "n_product");
  EXPECT_EQ(document["layers"].size(), record.layers.size());
  EXPECT_EQ(document["advice"]["layer"], "n_product");
  const std::string page = html::comparison_page(record);
  EXPECT_THAT(page, AllOf(HasSubstr("n_product"), HasSubstr("class=\"clipped\""), HasSubstr("input a1"), Not(HasSubstr("<script"))));
  std::uint64_t counted = 0;
  for (const std::uint64_t bin : layer_named(record, "n_product").histograms.at(0).counts) counted += bin;
  EXPECT_EQ(counted, static_cast<std::uint64_t>(count) * 24);
}

TEST(Comparison, NamesFromAFileCannotBreakOut) {
  ComparisonRecord record;
  record.layers.push_back({.name = "<b>\x1b[2J\"", .type = "Conv", .float_value = "v", .stored = {}});
  record.unmatched.push_back({"<i>", "Conv", "why"});
  EXPECT_THAT(html::comparison_page(record), AllOf(Not(HasSubstr("<b>\x1b")), Not(HasSubstr("<i>"))));
  EXPECT_THAT(comparison_text(record, {}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace titrate
