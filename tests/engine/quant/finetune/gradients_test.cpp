// Every operator's gradient against the differences of what the operator computes.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"
#include "engine/quant/finetune/step_size.hpp"
#include "engine/quant/finetune/training_graph.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

// One node whose float inputs are trained constants; the training graph needs nothing fed but the target.
struct Case {
  std::string type;
  std::vector<Tensor> inputs;
  std::vector<Attribute> attributes = {};
  int opset = 18;
  std::vector<std::size_t> trained = {0};
  std::size_t outputs = 1;
};

Tensor away_from_zero(Shape shape, std::uint32_t seed) {
  Tensor tensor = numbers(std::move(shape), seed, 3);
  for (float& element : tensor.mutable_data<float>()) {
    if (std::fabs(element) < 0.2F) element = element < 0 ? -0.2F : 0.2F;
  }
  return tensor;
}

std::vector<Case> arithmetic_cases() {
  const Tensor a = numbers({2, 3, 4}, 1);
  const Tensor b = numbers({3, 1}, 2);
  const Tensor c = away_from_zero({4}, 3);
  return {{.type = "Add", .inputs = {a, b}, .trained = {0, 1}},
          {.type = "Sub", .inputs = {b, a}, .trained = {0, 1}},
          {.type = "Mul", .inputs = {a, c}, .trained = {0, 1}},
          {.type = "Div", .inputs = {a, c}, .trained = {0, 1}},
          {.type = "Pow", .inputs = {positive({3, 4}), Tensor::scalar(2.0F)}},
          {.type = "Pow", .inputs = {positive({3, 4}), Tensor::scalar(-0.5F)}},
          {.type = "Neg", .inputs = {a}},
          {.type = "Sqrt", .inputs = {positive({5})}},
          {.type = "Exp", .inputs = {a}},
          {.type = "Log", .inputs = {positive({5})}},
          {.type = "Reciprocal", .inputs = {c}},
          {.type = "Abs", .inputs = {c}}};
}

std::vector<Case> activation_cases() {
  const Tensor x = away_from_zero({2, 9}, 4);
  const Tensor low = Tensor::scalar(-1.0F);
  const Tensor high = Tensor::scalar(1.1F);
  return {{.type = "Relu", .inputs = {x}},
          {.type = "LeakyRelu", .inputs = {x}, .attributes = {real("alpha", 0.3F)}},
          {.type = "Clip", .inputs = {x, low, high}},
          {.type = "Sigmoid", .inputs = {x}},
          {.type = "Softplus", .inputs = {x}},
          {.type = "Tanh", .inputs = {x}},
          {.type = "Erf", .inputs = {x}},
          {.type = "Gelu", .inputs = {x}, .opset = 20},
          {.type = "Swish", .inputs = {x}, .attributes = {real("alpha", 1.5F)}, .opset = 24},
          {.type = "HardSigmoid", .inputs = {x}},
          {.type = "HardSwish", .inputs = {x}},
          {.type = "Softmax", .inputs = {x}},
          {.type = "Softmax", .inputs = {numbers({2, 3, 2})}, .attributes = {one("axis", 1)}}};
}

std::vector<Case> linear_cases() {
  const auto conv = [](Shape x, Shape w, std::vector<Attribute> attributes) {
    const std::int64_t outputs = w[0];
    return Case{.type = "Conv",
                .inputs = {numbers(std::move(x), 1), numbers(std::move(w), 2), numbers({outputs}, 3)},
                .attributes = std::move(attributes),
                .trained = {0, 1, 2}};
  };
  return {{.type = "MatMul", .inputs = {numbers({3, 4}, 1), numbers({4, 2}, 2)}, .trained = {0, 1}},
          {.type = "MatMul", .inputs = {numbers({2, 3, 4}, 1), numbers({4, 2}, 2)}, .trained = {0, 1}},
          {.type = "MatMul", .inputs = {numbers({2, 3, 4}, 1), numbers({2, 4, 2}, 2)}, .trained = {0, 1}},
          {.type = "MatMul", .inputs = {numbers({1, 3, 4}, 1), numbers({5, 4, 2}, 2)}, .trained = {0, 1}},
          {.type = "Gemm",
           .inputs = {numbers({3, 4}, 1), numbers({4, 2}, 2), numbers({2}, 3)},
           .attributes = {real("beta", 0.5F)},
           .trained = {0, 1, 2}},
          {.type = "Gemm",
           .inputs = {numbers({3, 4}, 1), numbers({2, 4}, 2), numbers({3, 1}, 3)},
           .attributes = {one("transB", 1), real("alpha", 2.0F)},
           .trained = {0, 1, 2}},
          {.type = "Gemm", .inputs = {numbers({4, 3}, 1), numbers({4, 2}, 2)}, .attributes = {one("transA", 1)}, .trained = {0, 1}},
          {.type = "Gemm",
           .inputs = {numbers({4, 3}, 1), numbers({2, 4}, 2)},
           .attributes = {one("transA", 1), one("transB", 1)},
           .trained = {0, 1}},
          conv({1, 3, 6, 5}, {4, 3, 3, 3}, {ints("pads", {1, 1, 1, 1})}),
          conv({2, 3, 6, 5}, {4, 3, 3, 2}, {}),
          conv({1, 3, 5, 5}, {4, 3, 1, 1}, {}),
          conv({1, 3, 6, 6}, {2, 3, 1, 1}, {ints("strides", {2, 2})}),
          conv({1, 2, 7, 8}, {3, 2, 3, 3}, {ints("strides", {2, 2}), ints("pads", {1, 0, 0, 1})}),
          conv({1, 2, 8, 8}, {3, 2, 2, 3}, {ints("strides", {3, 2}), ints("dilations", {2, 1})}),
          conv({1, 4, 6, 6}, {4, 1, 3, 3}, {one("group", 4), ints("pads", {1, 1, 1, 1})}),
          conv({1, 4, 7, 6}, {6, 2, 3, 3}, {one("group", 2), ints("strides", {2, 1})}),
          conv({1, 3, 6, 6}, {2, 3, 3, 3}, {text("auto_pad", "SAME_UPPER"), ints("strides", {2, 2})}),
          conv({1, 2, 9}, {3, 2, 4}, {ints("pads", {2, 1})})};
}

std::vector<Case> normalization_cases() {
  const Tensor x = numbers({2, 3, 6}, 1);
  return {{.type = "LayerNormalization",
           .inputs = {x, positive({6}, 2), numbers({6}, 3)},
           .attributes = {real("epsilon", 1e-3F)},
           .trained = {0, 1, 2}},
          {.type = "LayerNormalization", .inputs = {x, positive({3, 6}, 2)}, .attributes = {one("axis", 1)}, .trained = {0, 1}},
          {.type = "RMSNormalization", .inputs = {x, positive({6}, 2)}, .opset = 23, .trained = {0, 1}}};
}

std::vector<Case> shape_cases() {
  const Tensor x = numbers({2, 3, 4}, 1);
  return {{.type = "Reshape", .inputs = {x, int64s({4, -1})}},
          {.type = "Flatten", .inputs = {x}},
          {.type = "Squeeze", .inputs = {numbers({2, 1, 3}), int64s({1})}},
          {.type = "Unsqueeze", .inputs = {x, int64s({0, 2})}},
          {.type = "Identity", .inputs = {x}},
          {.type = "Dropout", .inputs = {x}},
          {.type = "Transpose", .inputs = {x}, .attributes = {ints("perm", {1, 2, 0})}},
          {.type = "Transpose", .inputs = {x}},
          {.type = "Expand", .inputs = {numbers({3, 1}), int64s({2, 3, 4})}},
          {.type = "Concat", .inputs = {x, numbers({2, 2, 4}, 2)}, .attributes = {one("axis", -2)}, .trained = {0, 1}},
          {.type = "Slice", .inputs = {x, int64s({1, -3}), int64s({3, 1000}), int64s({1, -1})}},
          {.type = "ReduceSum", .inputs = {x, int64s({1})}, .attributes = {one("keepdims", 0)}},
          {.type = "ReduceSum", .inputs = {x}, .attributes = {one("keepdims", 0)}},
          {.type = "ReduceMean", .inputs = {x, int64s({-1})}},
          {.type = "ReduceMean", .inputs = {x}, .attributes = {ints("axes", {0, 2}), one("keepdims", 0)}, .opset = 17},
          {.type = "GlobalAveragePool", .inputs = {numbers({1, 2, 3, 3})}}};
}

// Numbers of which no two are nearer to each other than the differences that are taken.
Tensor apart(Shape shape) {
  Tensor tensor = Tensor::zeros(DataType::float32, std::move(shape));
  const auto elements = tensor.mutable_data<float>();
  for (std::size_t index = 0; index < elements.size(); ++index)
    elements[index] = 0.05F * static_cast<float>(index * 37 % elements.size()) - 1;  // 37 divides no size here
  return tensor;
}

std::vector<Case> pooling_cases() {
  const auto pool = [](const char* type, const Tensor& x, std::vector<Attribute> attributes) {
    return Case{.type = type, .inputs = {x}, .attributes = std::move(attributes)};
  };
  const Tensor x = apart({1, 2, 5, 6});
  std::vector<Case> cases;
  for (const char* type : {"MaxPool", "AveragePool"}) {
    cases.push_back(pool(type, x, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})}));
    cases.push_back(pool(type, x, {ints("kernel_shape", {3, 2})}));
    cases.push_back(pool(type, x, {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), ints("pads", {1, 1, 1, 0})}));
    cases.push_back(pool(type, apart({2, 3, 9}), {ints("kernel_shape", {3}), text("auto_pad", "SAME_UPPER"), ints("strides", {2})}));
    cases.push_back(pool(type, apart({1, 1, 3, 4, 5}), {ints("kernel_shape", {2, 2, 2})}));
  }
  cases.push_back(pool("MaxPool", x, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2}), one("ceil_mode", 1)}));
  cases.push_back(pool("MaxPool", x, {ints("kernel_shape", {2, 2}), ints("dilations", {2, 2})}));
  cases.push_back(pool("AveragePool", x, {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1}), one("count_include_pad", 1)}));
  return cases;
}

std::vector<Case> selection_cases() {
  const Tensor x = numbers({3, 4, 5}, 1);
  const Tensor square = Tensor::of<std::int64_t>({2, 2}, std::vector<std::int64_t>{3, 0, 3, -1});
  return {{.type = "Gather", .inputs = {x, int64s({2, 0, 2, -3})}},
          {.type = "Gather", .inputs = {x, square}, .attributes = {one("axis", 1)}},
          {.type = "Gather", .inputs = {x, int64s({4, 1})}, .attributes = {one("axis", -1)}},
          {.type = "Gather", .inputs = {x, Tensor::scalar(std::int64_t{1})}, .attributes = {one("axis", 1)}},
          {.type = "Gather", .inputs = {x, Tensor::of<std::int32_t>({1}, std::vector<std::int32_t>{2})}},
          {.type = "Split", .inputs = {x, int64s({1, 2, 2})}, .attributes = {one("axis", -1)}, .outputs = 3},
          {.type = "Split", .inputs = {x, int64s({1, 2})}, .outputs = 2},
          {.type = "Split", .inputs = {x}, .attributes = {one("axis", 1), one("num_outputs", 2)}, .outputs = 2}};
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& family :
       {arithmetic_cases(), activation_cases(), linear_cases(), normalization_cases(), shape_cases(), pooling_cases(), selection_cases()})
    cases.insert(cases.end(), family.begin(), family.end());
  return cases;
}

// The node fed with nothing, its output compared with random numbers.
class Differences {
 public:
  explicit Differences(const Case& own) {
    Sketch sketch(own.opset);
    std::vector<std::string> names;
    for (std::size_t input = 0; input < own.inputs.size(); ++input) {
      names.push_back("c" + std::to_string(input));
      sketch.constant(names.back(), own.inputs[input]);
    }
    std::vector<std::string> outputs = {"y"};
    for (std::size_t output = 1; output < own.outputs; ++output) outputs.push_back("y" + std::to_string(output));
    sketch.node(own.type, names, outputs, own.attributes);
    for (const std::string& output : outputs) sketch.output(output);
    const Model whole = sketch.model();
    for (const std::size_t input : own.trained) places_.push_back({.node = 0, .input = input});
    const Block block{.begin = 0, .end = 1, .layers = {0}};
    const CalibrationSamples samples = random_samples(whole, 1);
    const BlockProbe known = probe(whole, block, {}, samples);
    const GradientReach reach = reach_of(whole.graph, block, places_, known.shapes);
    graph_ = build_training_graph(whole, block, places_, known, reach, std::vector<double>(reach.targets.size(), 0.5));
    for (const ValueId output : reach.targets) targets_.push_back(numbers(known.shapes.at(output), 77));
  }

  [[nodiscard]] const TrainingGraph& graph() const { return graph_; }
  [[nodiscard]] std::vector<Tensor> run() const { return run_once(graph_.model, targets_); }
  [[nodiscard]] Tensor constant(std::size_t index) const { return *graph_.model.graph.constant(graph_.constants[index]); }

  double loss_with(std::size_t index, std::size_t element, float change) {
    const Tensor before = constant(index);
    std::vector<float> elements(before.data<float>().begin(), before.data<float>().end());
    elements[element] += change;
    set(index, Tensor::of<float>(before.shape(), elements));
    const double loss = static_cast<double>(run().at(0).data<float>()[0]);
    set(index, before);
    return loss;
  }

 private:
  void set(std::size_t index, const Tensor& tensor) {
    graph_.model.graph[graph_.constants[index]].constant = std::make_shared<const Tensor>(tensor);
  }

  std::vector<ConstantPlace> places_;
  TrainingGraph graph_;
  std::vector<Tensor> targets_;
};

TEST(Gradients, AreTheDifferencesOfTheLoss) {
  for (const Case& own : all_cases()) {
    SCOPED_TRACE(own.type + " " + to_text(own.inputs[0].shape()));
    Differences differences(own);
    ASSERT_EQ(differences.graph().trained.size(), own.trained.size());
    const std::vector<Tensor> outputs = differences.run();
    for (std::size_t index = 0; index < own.trained.size(); ++index) {
      const auto gradient = outputs[index + 1].data<float>();
      ASSERT_EQ(outputs[index + 1].shape(), own.inputs[own.trained[index]].shape());
      double largest = 0.1;
      for (const float number : gradient) largest = std::max(largest, static_cast<double>(std::fabs(number)));
      for (std::size_t element = 0; element < gradient.size(); ++element) {
        constexpr float change = 1e-2F;
        const double difference = (differences.loss_with(index, element, change) - differences.loss_with(index, element, -change)) / 0.02;
        ASSERT_NEAR(static_cast<double>(gradient[element]), difference, 0.01 * largest)
            << "input " << own.trained[index] << " element " << element;
      }
    }
  }
}

TEST(Gradients, EveryRuleHasACase) {
  std::set<std::string_view> tested = {"QuantizeLinear", "DequantizeLinear", "Cast"};  // below
  const std::vector<Case> cases = all_cases();
  for (const Case& own : cases) tested.insert(own.type);
  for (const GradientRule& rule : gradient_rules()) EXPECT_TRUE(tested.contains(rule.type)) << rule.type;
}

// The gradients of one constant behind a quantizer of step 0.5 whose output ought to be 0: of `x`, or of the scale.
Tensor gradient_through_quantizer(const std::vector<float>& x, const ConstantPlace& place) {
  Sketch sketch(18);
  sketch.constant("x", Tensor::of<float>({std::ssize(x)}, x))
      .constant("s", Tensor::scalar(0.5F))
      .constant("z", Tensor::scalar(std::int8_t{0}));
  const Model whole = sketch.node("Identity", {"x"}, {"v"})
                          .node("QuantizeLinear", {"v", "s", "z"}, {"q"})
                          .node("DequantizeLinear", {"q", "s", "z"}, {"y"})
                          .output("y")
                          .model();
  const Block block{.begin = 0, .end = 3, .layers = {0}};
  const BlockProbe known = probe(whole, block, {}, random_samples(whole, 1));
  const GradientReach reach = reach_of(whole.graph, block, {place}, known.shapes);
  const TrainingGraph graph = build_training_graph(whole, block, {place}, known, reach, {0.5});
  return run_once(graph.model, {Tensor::zeros(DataType::float32, {std::ssize(x)})}).at(1);
}

TEST(Gradients, GoStraightThroughRoundingAndNotThroughClipping) {
  const Tensor gradient = gradient_through_quantizer({-3.0F, -0.4F, 0.3F, 0.9F, 200.0F}, {.node = 0, .input = 0});
  const std::vector<float> expected = {-3.0F, -0.5F, 0.5F, 1.0F, 0.0F};
  EXPECT_EQ(std::vector<float>(gradient.data<float>().begin(), gradient.data<float>().end()), expected);
}

TEST(Gradients, GoStraightThroughRoundingToBfloat16) {
  Sketch sketch(18);
  sketch.constant("x", floats({1.0F + 0x3p-8F, -1.0F - 0x1p-9F, 3e30F, 0.0F}));
  const auto to = [](DataType type) { return one("to", static_cast<std::int64_t>(type)); };
  const Model whole = sketch.node("Identity", {"x"}, {"v"})
                          .node("Cast", {"v"}, {"b"}, {to(DataType::bfloat16)})
                          .node("Cast", {"b"}, {"y"}, {to(DataType::float32)})
                          .output("y")
                          .model();
  const Block block{.begin = 0, .end = 3, .layers = {0}};
  const std::vector<ConstantPlace> places = {{.node = 0, .input = 0}};
  const BlockProbe known = probe(whole, block, {}, random_samples(whole, 1));
  const GradientReach reach = reach_of(whole.graph, block, places, known.shapes);
  EXPECT_TRUE(reach.cut_at.empty());
  const TrainingGraph graph = build_training_graph(whole, block, places, known, reach, {0.5});
  const std::vector<Tensor> outputs = run_once(graph.model, {floats({0, 0, 0, 0})});
  const std::vector<Tensor> rounded = run_once(whole, {});
  EXPECT_TRUE(std::ranges::equal(outputs.at(1).bytes(), rounded.at(0).bytes()));
  EXPECT_EQ(rounded.at(0).data<float>()[0], 1.0F + 0x1p-6F);
}

TEST(Gradients, OfAScaleOfActivationsAreThoseOfLearnedStepSizes) {
  const std::vector<float> numbers = {-3.1F, -0.4F, 0.3F, 0.9F, 200.0F, -90.0F};
  const Tensor gradient = gradient_through_quantizer(numbers, {.node = 2, .input = 1});
  double expected = 0;
  for (const float x : numbers) {
    const StepSlopes slopes = step_slopes(x, 0.5F, -128, 127);
    const float rounded = 0.5F * std::clamp(std::nearbyint(x / 0.5F), -128.0F, 127.0F);
    expected += static_cast<double>(rounded * slopes.by_scale);
  }
  EXPECT_NEAR(static_cast<double>(gradient.data<float>()[0]), expected, 1e-4 * std::fabs(expected));
}

TEST(Gradients, OfASplitOfWhichOnlyAPartIsUsed) {
  Sketch sketch(18);
  sketch.constant("x", numbers({2, 6}, 1)).constant("sizes", int64s({1, 3, 2}));
  const Model whole = sketch.node("Split", {"x", "sizes"}, {"a", "b", "c"}, {one("axis", 1)}).node("Neg", {"b"}, {"y"}).output("y").model();
  const Block block{.begin = 0, .end = 2, .layers = {0}};
  const std::vector<ConstantPlace> places = {{.node = 0, .input = 0}};
  const BlockProbe known = probe(whole, block, {}, random_samples(whole, 1));
  const GradientReach reach = reach_of(whole.graph, block, places, known.shapes);
  EXPECT_TRUE(reach.cut_at.empty());
  const TrainingGraph graph = build_training_graph(whole, block, places, known, reach, {0.5});
  const Tensor gradient = run_once(graph.model, {Tensor::zeros(DataType::float32, {2, 3})}).at(1);
  const Tensor x = numbers({2, 6}, 1);
  // The loss is half the squares of what is used: its gradient is that part itself.
  for (std::size_t index = 0; index < 12; ++index) {
    const bool used = index % 6 >= 1 && index % 6 < 4;
    EXPECT_FLOAT_EQ(gradient.data<float>()[index], used ? x.data<float>()[index] : 0.0F) << index;
  }
}

TEST(Gradients, EndWhereAnOperatorHasNoneAndTheValueBeforeItIsCompared) {
  Sketch sketch(18);
  sketch.input("x", {1, 2, 4, 4}).constant("w", numbers({3, 2, 1, 1}));
  const Model whole =
      sketch.node("Conv", {"x", "w"}, {"a"}).node("Relu", {"a"}, {"b"}).node("GlobalMaxPool", {"b"}, {"y"}).output("y").model();
  const Block block{.begin = 0, .end = 3, .layers = {0}};
  const BlockProbe known = probe(whole, block, {numbers({1, 2, 4, 4})}, random_samples(whole, 1));
  const GradientReach reach = reach_of(whole.graph, block, {{.node = 0, .input = 1}}, known.shapes);
  EXPECT_EQ(reach.cut_at, std::vector<std::string>{"GlobalMaxPool"});
  ASSERT_EQ(reach.targets.size(), 1U);
  EXPECT_EQ(whole.graph[reach.targets[0]].name, "b");
}

}  // namespace
}  // namespace titrate::engine
