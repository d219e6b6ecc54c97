// Models whose scales were moved before quantization: compared with the float model they must give the figures that the float model with
// its scales moved gives, which is known here.
#include "engine/quant/scaling/moved_scales.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/comparison_json.hpp"
#include "reports/comparison_text.hpp"
#include "reports/html/comparison_page.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tuner/calibration.hpp"
#include "tuner/comparison.hpp"

namespace titrate {
namespace {

using engine::Model;
using engine::Shape;
using engine::Sketch;
using engine::Tensor;
using testing::HasSubstr;
using testing::Not;

constexpr int count = 12;
const LoopControl one_thread{};

class Noise : public Dataset {
 public:
  explicit Noise(const Model& model) : samples_(engine::random_samples(model, count)) {}
  [[nodiscard]] std::int64_t size() const override { return count; }
  [[nodiscard]] std::vector<Tensor> sample(std::int64_t index) const override { return samples_.feed(index); }
  [[nodiscard]] bool has_labels() const override { return false; }
  [[nodiscard]] Tensor labels(std::int64_t) const override { return {}; }
  [[nodiscard]] std::string description() const override { return "noise"; }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  engine::CalibrationSamples samples_;
};

// Channel j times 2 to the power of -2 ... 2, so that there is something to move.
Tensor uneven(const Shape& shape, std::uint32_t seed, std::size_t axis) {
  const Tensor even = engine::numbers(shape, seed);
  std::size_t inner = 1;
  for (std::size_t later = axis + 1; later < shape.size(); ++later) inner *= static_cast<std::size_t>(shape[later]);
  std::vector<float> elements(even.data<float>().begin(), even.data<float>().end());
  for (std::size_t index = 0; index < elements.size(); ++index)
    elements[index] *= std::exp2(static_cast<float>((index / inner % static_cast<std::size_t>(shape[axis]) * 7) % 5) - 2);
  return Tensor::of<float>(shape, elements);
}

// Gemm, Relu, MatMul + Add, Relu, Gemm.
Model dense() {
  Sketch sketch(13);
  sketch.input("x", {1, 40});
  sketch.constant("w1", uneven({40, 64}, 1, 1)).constant("b1", engine::numbers({64}, 2, 0.3F));
  sketch.constant("w2", uneven({64, 48}, 3, 0)).constant("b2", engine::numbers({48}, 4, 0.3F));
  sketch.constant("w3", uneven({24, 48}, 5, 1)).constant("b3", engine::numbers({24}, 6, 0.3F));
  sketch.node("Gemm", {"x", "w1", "b1"}, {"first"}).node("Relu", {"first"}, {"a1"});
  sketch.node("MatMul", {"a1", "w2"}, {"product"}).node("Add", {"product", "b2"}, {"second"}).node("Relu", {"second"}, {"a2"});
  sketch.node("Gemm", {"a2", "w3", "b3"}, {"third"}, {engine::one("transB", 1)}).output("third");
  return sketch.model();
}

// Convolutions, the middle one depthwise.
Model pictures() {
  Sketch sketch(13);
  sketch.input("x", {1, 3, 8, 8});
  sketch.constant("w1", uneven({16, 3, 3, 3}, 1, 0)).constant("b1", engine::numbers({16}, 2, 0.3F));
  sketch.constant("w2", uneven({16, 1, 3, 3}, 3, 0)).constant("b2", engine::numbers({16}, 4, 0.3F));
  sketch.constant("w3", uneven({24, 16, 1, 1}, 5, 1)).constant("b3", engine::numbers({24}, 6, 0.3F));
  sketch.node("Conv", {"x", "w1", "b1"}, {"first"}).node("Relu", {"first"}, {"a1"});
  sketch.node("Conv", {"a1", "w2", "b2"}, {"second"}, {engine::one("group", 16)}).node("Relu", {"second"}, {"a2"});
  sketch.node("Conv", {"a2", "w3", "b3"}, {"third"}).output("third");
  return sketch.model();
}

// A normalization whose output two layers read, and a residual sum.
Model normalized() {
  Sketch sketch(17);
  sketch.input("x", {1, 6, 32});
  sketch.constant("gamma", uneven({32}, 1, 0)).constant("beta", engine::numbers({32}, 2, 0.3F));
  sketch.constant("wq", engine::numbers({32, 32}, 3))
      .constant("wv", engine::numbers({32, 32}, 4))
      .constant("wo", engine::numbers({32, 16}, 5));
  sketch.node("LayerNormalization", {"x", "gamma", "beta"}, {"n"});
  sketch.node("MatMul", {"n", "wq"}, {"q"}).node("MatMul", {"n", "wv"}, {"v"});
  sketch.node("Sigmoid", {"q"}, {"gate"}).node("Mul", {"gate", "v"}, {"gated"});
  sketch.node("MatMul", {"gated", "wo"}, {"y"}).output("y");
  return sketch.model();
}

struct Candidate {
  Model moved;  // the float model with its scales moved: what was quantized
  Model quantized;
};

Candidate candidate_for(const Model& model, const std::string& text) {
  const Config config = parse_config(text);
  const Model prepared = engine::prepare_float_model(model);
  engine::StageRemarks remarks;
  Candidate candidate{.moved = engine::apply_stages(prepared, config, engine::random_samples(prepared, count), remarks), .quantized = {}};
  const auto statistics = collect_statistics(candidate.moved, Noise(model), false, one_thread);
  const auto solutions = engine::uses_layer_inputs(candidate.moved, config)
                             ? engine::solve_layers(candidate.moved, config, engine::random_samples(prepared, count))
                             : engine::WeightSolutions();
  candidate.quantized = engine::convert(candidate.moved, config, statistics, solutions).model;
  return candidate;
}

ComparisonRecord compared(const Model& reference, const Model& quantized) {
  return compare_models(reference, quantized, Noise(reference), {.samples = count, .histograms = false}, one_thread);
}

void expect_near(const std::optional<double>& own, const std::optional<double>& truth, double tolerance, const std::string& what) {
  ASSERT_EQ(own.has_value(), truth.has_value()) << what;
  // Above 70 dB next to nothing is lost: the factors are not known better.
  if (!own || std::min(*own, *truth) >= 70) return;
  EXPECT_NEAR(*own, *truth, tolerance) << what;
}

void expect_truth(const Model& model, const std::string& config) {
  SCOPED_TRACE(config);
  const Candidate candidate = candidate_for(model, config);
  const ComparisonRecord truth = compared(candidate.moved, candidate.quantized);
  const ComparisonRecord own = compared(model, candidate.quantized);
  EXPECT_GT(own.moved_layers, 0);
  EXPECT_FALSE(own.is_rescaled);
  ASSERT_EQ(own.layers.size(), truth.layers.size());
  for (std::size_t index = 0; index < own.layers.size(); ++index) {
    const LayerComparison& layer = own.layers[index];
    const LayerComparison& wanted = truth.layers[index];
    ASSERT_EQ(layer.name, wanted.name);
    expect_near(layer.alone.sqnr_db, wanted.alone.sqnr_db, 0.5, layer.name + " alone");
    expect_near(layer.accumulated.sqnr_db, wanted.accumulated.sqnr_db, 0.5, layer.name + " accumulated");
    expect_near(layer.effects.weights_db, wanted.effects.weights_db, 0.5, layer.name + " weights");
    expect_near(layer.effects.clipping_db, wanted.effects.clipping_db, 0.5, layer.name + " clipping");
    expect_near(layer.effects.rounding_db, wanted.effects.rounding_db, 0.5, layer.name + " rounding");
    expect_near(layer.effects.bias_db, wanted.effects.bias_db, 1, layer.name + " bias");
    expect_near(layer.output_share, wanted.output_share, 0.05, layer.name + " share");
  }
  EXPECT_EQ(own.advice.has_value(), truth.advice.has_value());
}

TEST(MovedScales, EqualizedLayersGiveTheFiguresOfTheEqualizedFloatModel) {
  for (const char* scheme : {"rtn(bits=8)", "rtn(bits=4)", "rtn(bits=3,group_size=-1)", "static_int8()", "static_int8(per_channel=false)",
                             "gptq(bits=4)", "fp8()", "static_int8(act=s8,act_sym=true,calibrator=moving_average)"})
    expect_truth(dense(), std::string("equalize() + ") + scheme);
  for (const char* scheme : {"rtn(bits=8)", "rtn(bits=4)", "static_int8()"})
    expect_truth(pictures(), std::string("equalize() + ") + scheme);
}

TEST(MovedScales, SmoothedLayersDoToo) {
  // Of the first layer through a Mul of its own, of the others through biases and weights; or through a normalization.
  for (const char* scheme : {"static_int8()", "fp8()"}) {
    expect_truth(dense(), std::string("smoothquant() + ") + scheme);
    expect_truth(normalized(), std::string("smoothquant() + ") + scheme);
    expect_truth(normalized(), std::string("smoothquant() + equalize() + ") + scheme);
  }
  for (const char* scheme : {"dynamic_int8()", "dynamic_int8(act=s8,weight_sym=false)", "dynamic_int8(per_channel=false)"}) {
    expect_truth(normalized(), std::string("smoothquant() + ") + scheme);
    expect_truth(dense(), std::string("smoothquant() + ") + scheme);
    expect_truth(dense(), std::string("equalize() + ") + scheme);
  }
  expect_truth(normalized(), "smoothquant() + static_int8() | name:n_q = float");
}

TEST(MovedScales, AreFoundAsTheyWere) {
  const Model model = engine::prepare_float_model(normalized());
  const Candidate candidate = candidate_for(normalized(), "smoothquant() + static_int8()");
  const auto found = engine::find_moved_scales(model, candidate.quantized, engine::match_layers(model, candidate.quantized));
  ASSERT_TRUE(found);
  // The normalization stayed float: its constants say the factors.
  EXPECT_EQ(found->layers.at("n_q"), 0);
  const Tensor& gamma = engine::constant_named(candidate.moved, "gamma_scaled");
  const Tensor& own = engine::constant_named(found->reference, "gamma_scaled");
  for (std::size_t index = 0; index < 32; ++index) EXPECT_NEAR(own.data<float>()[index] / gamma.data<float>()[index], 1, 1e-6) << index;
  const std::vector<Tensor> inputs = Noise(model).sample(3);
  const Tensor wanted = engine::run_once(model, inputs)[0];
  const Tensor same = engine::run_once(found->reference, inputs)[0];
  for (std::size_t index = 0; index < 96; ++index) EXPECT_NEAR(same.data<float>()[index], wanted.data<float>()[index], 1e-5);
}

TEST(MovedScales, AreNotSeenWhereNoneWereMoved) {
  for (const auto& model : {dense(), pictures(), normalized()}) {
    for (const char* config :
         {"rtn(bits=8)", "rtn(bits=2)", "rtn(bits=2,group_size=-1,clip=mse)", "static_int8()", "dynamic_int8()", "fp8()", "gptq(bits=2)",
          "gptq(bits=3,group_size=-1)", "nf4()", "hqq(bits=2)", "static_int8(per_channel=false)"}) {
      if (model.graph.nodes[0].type == "Conv" && std::string_view(config).starts_with("dynamic")) continue;
      const Candidate candidate = candidate_for(model, config);
      const Model prepared = engine::prepare_float_model(model);
      EXPECT_FALSE(engine::find_moved_scales(prepared, candidate.quantized, engine::match_layers(prepared, candidate.quantized))) << config;
    }
  }
}

TEST(MovedScales, BiasesThatWereCorrectedSayNothingOfFactors) {
  for (const char* stages : {"", "equalize() + "}) {
    Candidate candidate = candidate_for(dense(), std::string(stages) + "rtn(bits=8)");
    for (const char* name : {"b1", "b2"}) {
      auto id = candidate.quantized.graph.find_value(name);
      if (!id) id = candidate.quantized.graph.find_value(std::string(name) + "_scaled");
      std::vector<float> changed(candidate.quantized.graph[*id].constant->data<float>().begin(),
                                 candidate.quantized.graph[*id].constant->data<float>().end());
      for (std::size_t index = 0; index < changed.size(); ++index) changed[index] *= index % 2 == 0 ? 1.5F : 0.6F;
      candidate.quantized.graph[*id].constant = std::make_shared<const Tensor>(Tensor::of<float>({std::ssize(changed)}, changed));
    }
    const ComparisonRecord own = compared(dense(), candidate.quantized);
    EXPECT_EQ(own.moved_layers > 0, *stages != 0);
    for (const LayerComparison& layer : own.layers) EXPECT_GT(*layer.weights->sqnr_db, 35) << stages << layer.name;
  }
}

TEST(MovedScales, SmallWeightsThatRoundingShrinksLookLikeNoFactors) {
  // Columns of very different size share their groups' scales: the small ones become 0 or double.
  Sketch sketch(17);
  sketch.input("x", {1, 6, 32}).constant("gamma", engine::positive({32}, 1)).constant("beta", engine::numbers({32}, 2, 0.3F));
  sketch.constant("w", uneven({32, 400}, 3, 0));
  sketch.node("LayerNormalization", {"x", "gamma", "beta"}, {"n"}).node("MatMul", {"n", "w"}, {"y"}).output("y");
  const Model model = engine::prepare_float_model(sketch.model());
  for (const char* config : {"rtn(bits=4)", "rtn(bits=2)", "rtn(bits=3,sym=false)"}) {
    const Candidate candidate = candidate_for(model, config);
    EXPECT_FALSE(engine::find_moved_scales(model, candidate.quantized, engine::match_layers(model, candidate.quantized))) << config;
  }
}

TEST(MovedScales, TheReportsSayWhatWasDone) {
  const Candidate candidate = candidate_for(dense(), "equalize() + static_int8()");
  const ComparisonRecord record = compared(dense(), candidate.quantized);
  EXPECT_EQ(record.moved_layers, 3);
  EXPECT_LT(record.moved_error, 0.01);
  EXPECT_TRUE(record.worst && record.advice);
  for (const LayerComparison& layer : record.layers) EXPECT_THAT(layer.remark, HasSubstr("scaled alike")) << layer.name;
  EXPECT_THAT(comparison_text(record, {}), HasSubstr("Scales were moved: of 3 layers"));
  EXPECT_THAT(html::comparison_page(record), HasSubstr("Scales were moved: of 3 layers"));
  EXPECT_EQ(comparison_json(record)["moved_scales"]["layers"], 3);
  const ComparisonRecord plain = compared(dense(), candidate_for(dense(), "static_int8()").quantized);
  EXPECT_THAT(comparison_text(plain, {}), Not(HasSubstr("moved")));
  EXPECT_TRUE(comparison_json(plain)["moved_scales"].is_null());
}

TEST(MovedScales, WhereTheyCannotBeFoundThatIsSaid) {
  // Through a Transpose, where this program moves none.
  const auto network = [](float factor) {
    Sketch sketch(13);
    sketch.input("x", {16, 16});
    Tensor w1 = engine::numbers({16, 16}, 1);
    Tensor w2 = engine::numbers({16, 16}, 2);
    std::vector<float> first(w1.data<float>().begin(), w1.data<float>().end());
    std::vector<float> second(w2.data<float>().begin(), w2.data<float>().end());
    for (float& number : first) number *= factor;
    for (float& number : second) number /= factor;
    sketch.constant("w1", Tensor::of<float>({16, 16}, first)).constant("w2", Tensor::of<float>({16, 16}, second));
    sketch.node("MatMul", {"x", "w1"}, {"a"}).node("Transpose", {"a"}, {"b"}).node("MatMul", {"b", "w2"}, {"y"}).output("y");
    return sketch.model();
  };
  const Candidate candidate = candidate_for(network(8), "rtn(bits=8)");
  const ComparisonRecord record = compared(network(1), candidate.quantized);
  EXPECT_GT(*record.outputs.sqnr_db, 25);
  EXPECT_TRUE(record.is_rescaled);
  for (const LayerComparison& layer : record.layers) {
    EXPECT_THAT(layer.remark, HasSubstr("were not found")) << layer.name;
    EXPECT_FALSE(layer.alone.sqnr_db) << layer.name;
  }
  EXPECT_FALSE(record.worst || record.advice);
  EXPECT_THAT(comparison_text(record, {}), HasSubstr("scales were moved"));
}

}  // namespace
}  // namespace titrate
