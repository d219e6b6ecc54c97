// Embeddings: the table of a Gather is stored in few bits, row by row, and what is looked up is what was meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/bias_correction/correct_biases.hpp"
#include "engine/quant/check/check.hpp"
#include "engine/quant/finetune/finetune.hpp"
#include "engine/quant/integer_weights.hpp"
#include "engine/quant/round_to_nearest.hpp"
#include "engine/quant/table_overrides.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using testing::HasSubstr;

// A table is quantized where an override chooses its Gather.
std::string with_lookups(const std::string& scheme) { return cat(scheme, " | type:Gather = ", scheme); }

// Of every kind: the first, the last, counted from the end.
Tensor some_rows(std::int64_t rows) { return Tensor::of<std::int64_t>({1, 5}, {0, rows - 1, -1, -rows, 2}); }

Sketch lookup(const Tensor& table, std::vector<Attribute> attributes = {}) {
  Sketch sketch(17);
  sketch.input("tokens", {1, -1}, DataType::int64).constant("table", table);
  sketch.node("Gather", {"table", "tokens"}, {"y"}, std::move(attributes)).output("y");
  return sketch;
}
Model embedding(const Shape& shape) { return lookup(numbers(shape)).model(); }

void expect_rows(const Model& model, const QuantizedMatrix& expected) {
  const Tensor found = run_once(model, {some_rows(expected.rows)}).at(0);
  const std::vector<std::int64_t> wanted = {0, expected.rows - 1, expected.rows - 1, 0, 2};
  ASSERT_EQ(found.elements(), 5 * expected.columns);
  for (std::int64_t place = 0; place < 5; ++place) {
    for (std::int64_t column = 0; column < expected.columns; ++column) {
      ASSERT_EQ(found.data<float>()[static_cast<std::size_t>(place * expected.columns + column)],
                expected.dequantized(wanted[static_cast<std::size_t>(place)], column))
          << place << ", " << column;
    }
  }
}

// Rows of 13 and 45 numbers: odd, and no multiple of a group.
TEST(Lookup, RoundsRowsToNearest) {
  for (const Shape& shape : {Shape{37, 13}, Shape{21, 45}, Shape{11, 3, 15}}) {
    const Model model = embedding(shape);
    const WeightMatrix table = weight_matrix_of(model.graph, model.graph.nodes[0]);
    EXPECT_EQ(table.rows, shape[0]);
    for (const int bits : {2, 3, 4, 8}) {
      for (const bool symmetric : {true, false}) {
        for (const std::int64_t group : {-1, 0, 16, 32}) {
          const std::string config = cat("rtn(bits=", bits, ",sym=", symmetric ? "true" : "false", ",group_size=", group, ")");
          SCOPED_TRACE(cat(to_text(shape), " ", config));
          const Conversion conversion = converted(model, with_lookups(config));
          ASSERT_EQ(conversion.decisions.size(), 1U);
          const NodeDecision& decision = conversion.decisions[0];
          EXPECT_EQ(decision.type, "Gather");
          EXPECT_THAT(decision.scheme, HasSubstr("rtn"));
          EXPECT_GT(decision.weight_sqnr_db, 0);
          EXPECT_LT(decision.stored_bytes, decision.float_bytes);
          EXPECT_EQ(node_named(conversion.model, "n_y").type, "Gather");
          expect_rows(conversion.model, quantize_weights(table, {.bits = bits,
                                                                 .mode = symmetric ? WeightMode::narrow : WeightMode::asymmetric,
                                                                 .group_size = group,
                                                                 .search_clip = false}));
        }
      }
    }
  }
}

TEST(Lookup, IsStoredInEightBitsByStaticInt8) {
  const Model model = embedding({21, 45});
  const WeightMatrix table = weight_matrix_of(model.graph, model.graph.nodes[0]);
  for (const bool by_row : {true, false}) {
    for (const bool symmetric : {true, false}) {
      const Conversion conversion = converted(model, with_lookups(cat("static_int8(per_channel=", by_row ? "true" : "false",
                                                                      ",weight_sym=", symmetric ? "true" : "false", ")")));
      expect_rows(conversion.model, quantize_integer_weights(table, {.per_channel = by_row, .symmetric = symmetric}));
      EXPECT_THAT(conversion.decisions.at(0).reason, HasSubstr("looked up as float"));
      const std::int64_t scales = by_row ? 21 : 1;
      EXPECT_EQ(conversion.decisions.at(0).stored_bytes, 21 * 45 + scales * (symmetric ? 4 : 5));
    }
  }
}

// The formats that store weights their own way. Bounds are those of the format: two bits of mantissa or a table of 16.
TEST(Lookup, IsServedByEveryFormat) {
  for (const Shape& shape : {Shape{37, 64}, Shape{21, 45}, Shape{11, 3, 32}}) {
    const Model model = embedding(shape);
    const Tensor expected = run_once(model, {some_rows(shape[0])}).at(0);
    for (const std::string config : {"fp8()", "fp8(format=e5m2,weights_only=true)", "fp8(format=e3m4)", "nf4()", "hqq()", "mx(format=fp4)",
                                     "mx(format=fp8_e4m3,weights_only=true)", "nvfp4()", "nvfp4(weights_only=true)"}) {
      SCOPED_TRACE(cat(to_text(shape), " ", config));
      const Conversion conversion = converted(model, with_lookups(config));
      EXPECT_NE(conversion.decisions.at(0).scheme, "float") << conversion.decisions.at(0).reason;
      const Tensor found = run_once(conversion.model, {some_rows(shape[0])}).at(0);
      ASSERT_EQ(found.shape(), expected.shape());
      for (std::size_t index = 0; index < expected.data<float>().size(); ++index)
        ASSERT_NEAR(found.data<float>()[index], expected.data<float>()[index], 0.25F) << index;
    }
  }
}

TEST(Lookup, AlongAnotherAxisStaysFloat) {
  const Model model =
      lookup(numbers({12, 40}), {one("axis", 1)}).constant("w", numbers({12, 5})).node("MatMul", {"y", "w"}, {"z"}).output("z").model();
  const Conversion conversion = converted(model, with_lookups("rtn()"));
  EXPECT_EQ(decision_of(conversion, "n_y").scheme, "float");
  EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("axis 1"));
  EXPECT_EQ(source_type(conversion.model, node_named(conversion.model, "n_y"), 0), "");
  const Model counted = lookup(numbers({12, 40}), {one("axis", -2)}).model();
  EXPECT_NE(converted(counted, with_lookups("rtn()")).decisions.at(0).scheme, "float");
}

TEST(Lookup, OfSomethingElseIsNoLayer) {
  Sketch sketch(17);
  sketch.input("x", {1, 40}).constant("w", numbers({40, 6})).node("MatMul", {"x", "w"}, {"m"});
  sketch.constant("first", int64s({0})).node("Gather", {"m", "first"}, {"row"});
  sketch.constant("sizes", int64s({3, 5, 7})).node("Gather", {"sizes", "first"}, {"size"});
  sketch.constant("line", numbers({50})).node("Gather", {"line", "first"}, {"number"});
  const Model model = sketch.output("row").output("size", DataType::int64).output("number").model();
  EXPECT_EQ(converted(model, "rtn()").decisions.size(), 1U);
}

TEST(Lookup, ThatWouldNotShrinkStaysFloat) {
  Sketch sketch = lookup(numbers({9, 1}));
  const Model model = sketch.input("x", {2, 40}).constant("w", numbers({40, 8})).node("MatMul", {"x", "w"}, {"z"}).output("z").model();
  const Conversion conversion = converted(model, with_lookups("rtn()"));
  EXPECT_EQ(decision_of(conversion, "n_y").scheme, "float");
  EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("would take 41 bytes, its floats take 36"));
  EXPECT_EQ(decision_of(conversion, "n_y").stored_bytes, 36);
  EXPECT_EQ(constant_named(conversion.model, "table").type(), DataType::float32);
}

TEST(Lookup, IsChosenByTypeAndKeepsPositions) {
  Sketch sketch = lookup(numbers({12, 40}));
  const Model model = sketch.constant("w", numbers({40, 8})).node("MatMul", {"y", "w"}, {"z"}).output("z").model();
  const Conversion without = converted(model, "rtn() | type:Gather = float");
  EXPECT_EQ(decision_of(without, "n_y").scheme, "float");
  EXPECT_NE(decision_of(without, "n_z").scheme, "float");
  const Conversion eight = converted(model, "rtn() | type:Gather = rtn(bits=8,group_size=-1)");
  EXPECT_EQ(decision_of(eight, "n_y").scheme, "rtn(bits=8,group_size=-1)");
  const Conversion alone = converted(model, "rtn()");
  EXPECT_EQ(decision_of(alone, "n_y").scheme, "float");
  EXPECT_THAT(decision_of(alone, "n_y").reason, HasSubstr("where an override chooses it"));
  const Conversion first = converted(model, "rtn() | type:Gather = rtn() | position:first = float");
  EXPECT_EQ(decision_of(first, "n_z").scheme, "float");
  EXPECT_NE(decision_of(first, "n_y").scheme, "float");
}

TEST(Lookup, IsRefusedWhereNoFormServesIt) {
  Sketch sketch = lookup(numbers({12, 40}));
  const Model model = sketch.constant("w", numbers({40, 8})).node("MatMul", {"y", "w"}, {"z"}).output("z").model();
  EXPECT_THAT(decision_of(converted(model, with_lookups("dynamic_int8()")), "n_y").reason, HasSubstr("not for Gather"));
  for (const std::string config : {"rtn(bits=8)", "static_int8()"}) {
    const Conversion conversion = converted(model, with_lookups(config), {}, WeightForm::qdq, find_target("tensorrt"));
    EXPECT_EQ(decision_of(conversion, "n_y").scheme, "float");
    EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("no pattern of stored weights for Gather"));
  }
  EXPECT_NE(decision_of(converted(model, with_lookups("rtn(bits=8)"), {}, WeightForm::qdq, find_target("openvino")), "n_y").scheme,
            "float");
}

TEST(Lookup, IsHeldAgainstTheTarget) {
  const Model stored = converted(embedding({12, 40}), with_lookups("rtn(bits=8,sym=false)")).model;
  EXPECT_TRUE(check(stored, default_target()).findings.empty());
  const Target tensorrt = find_target("tensorrt");
  const std::vector<Finding> findings = check(stored, tensorrt).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].node, "n_y");
  EXPECT_THAT(findings[0].words, HasSubstr("no pattern of stored weights for Gather"));
}

// A lookup and a product, of a table that both hold: behind a Transpose, or as it is.
Sketch tied(bool transposed) {
  Sketch sketch = lookup(numbers({24, 64}));
  sketch.input("x", {3, 64});
  if (transposed) {
    sketch.node("Transpose", {"table"}, {"t"}, {ints("perm", {1, 0})}).node("MatMul", {"x", "t"}, {"z"});
  } else {
    sketch.node("Gemm", {"x", "table"}, {"z"}, {one("transB", 1)});
  }
  sketch.output("z");
  return sketch;
}

std::int64_t bytes_of_type(const Model& model, DataType type) {
  std::int64_t bytes = 0;
  for (const Value& value : model.graph.values) {
    if (value.constant && value.constant->type() == type) bytes += static_cast<std::int64_t>(value.constant->bytes().size());
  }
  return bytes;
}

TEST(Lookup, SharesItsCodesWithTiedWeights) {
  for (const bool transposed : {true, false}) {
    const Model model = tied(transposed).model();
    const Conversion conversion = converted(model, with_lookups("rtn(bits=8,group_size=32)"));
    EXPECT_NE(decision_of(conversion, "n_y").scheme, "float");
    EXPECT_THAT(decision_of(conversion, "n_z").reason, HasSubstr("tied weights"));
    // The zero points of the product are int8 too: two a row.
    EXPECT_EQ(bytes_of_type(conversion.model, DataType::int8), 24 * 64 + 24 * 2) << transposed;
    EXPECT_EQ(constant_named(conversion.model, "table_quantized").shape(), (Shape{24, 64}));
  }
  // One scale a row: the product reads columns, and its codes lie otherwise.
  const Conversion rows = converted(tied(true).model(), with_lookups("rtn(bits=8,group_size=-1)"));
  EXPECT_NE(decision_of(rows, "n_y").scheme, "float");
  EXPECT_NE(decision_of(rows, "n_z").scheme, "float");
  EXPECT_EQ(decision_of(rows, "n_z").reason.find("tied"), std::string::npos);
}

TEST(Lookup, StaysFloatWithATableThatOthersReadAsFloats) {
  const Model model = tied(false).constant("w", numbers({24, 40})).node("MatMul", {"z", "w"}, {"o"}).output("o").model();
  const Conversion product_float = converted(model, "rtn() | type:Gemm = float | type:Gather = rtn(bits=8)");
  EXPECT_EQ(decision_of(product_float, "n_y").scheme, "float");
  EXPECT_THAT(decision_of(product_float, "n_y").reason, HasSubstr("its table stays float for 'n_z'"));
  const Conversion lookup_float = converted(model, "rtn(bits=8,group_size=-1) | type:Gather = float");
  EXPECT_EQ(decision_of(lookup_float, "n_y").scheme, "float");
  EXPECT_NE(decision_of(lookup_float, "n_z").scheme, "float");
  EXPECT_EQ(source_type(lookup_float.model, node_named(lookup_float.model, "n_y"), 0), "");
}

// Rows -10 to 10, chosen by the numbers of a float input.
Model looked_up_by_numbers() {
  Sketch sketch(17);
  sketch.input("x", {1, 30}).constant("ten", floats({10})).node("Mul", {"x", "ten"}, {"scaled"});
  sketch.node("Cast", {"scaled"}, {"tokens"}, {one("to", static_cast<std::int64_t>(DataType::int64))});
  sketch.constant("table", numbers({11, 32})).node("Gather", {"table", "tokens"}, {"y"});
  sketch.constant("w", numbers({32, 16}, 3)).node("MatMul", {"y", "w"}, {"z"});
  return sketch.output("z").model();
}

TEST(Lookup, IsRoundedToNearestByWhatLearnsFromInputs) {
  for (const std::string config : {"gptq()", "awq()", "adaround(iterations=50)", "signround(iterations=20)"}) {
    SCOPED_TRACE(config);
    const Conversion conversion = converted(looked_up_by_numbers(), with_lookups(config));
    EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("rounded to nearest: its rows are looked up"));
    EXPECT_NE(decision_of(conversion, "n_z").scheme, "float");
    EXPECT_EQ(decision_of(conversion, "n_z").reason.find("looked up"), std::string::npos);
    EXPECT_NE(source_type(conversion.model, node_named(conversion.model, "n_y"), 0), "");
  }
}

// The sets that come along quantize tables too; what else a config says counts.
TEST(Lookup, GetsTheSchemeOfASetsConfigs) {
  const Model model = prepare_float_model(tied(true).model());
  const auto completed = [&](const std::string& config) { return to_text(with_tables(parse_config(config), model.graph)); };
  EXPECT_EQ(completed("rtn(bits=8)"), "rtn(bits=8) | type:Gather = rtn(bits=8)");
  EXPECT_EQ(completed("equalize() + static_int8() | type:MatMul = float"),
            "equalize() + static_int8() | type:Gather = rtn(bits=8,group_size=-1) | type:MatMul = float");
  for (const std::string config : {"float", "dynamic_int8()", "rtn() | name:n_y = float", "rtn() | type:Gather = rtn(bits=8)"})
    EXPECT_EQ(completed(config), config);
  Sketch sketch(17);
  sketch.input("x", {1, 40}).constant("w", numbers({40, 6})).node("MatMul", {"x", "w"}, {"m"}).output("m");
  EXPECT_EQ(to_text(with_tables(parse_config("rtn()"), sketch.model().graph)), "rtn()");
}

TEST(Lookup, LeftAloneDoesNotMakeAConfigQuantizeNothing) {
  Sketch sketch = lookup(numbers({12, 40}));
  const Model model = sketch.constant("w", numbers({40, 8})).node("MatMul", {"y", "w"}, {"z"}).output("z").model();
  EXPECT_NO_THROW((void)converted(model, "rtn() | type:MatMul = float"));
  EXPECT_THROW((void)converted(embedding({12, 40}), "rtn()"), Error);
}

// A stage that an override gives to a table has nothing to do there, and does it.
TEST(Lookup, IsLeftAloneByStages) {
  Sketch sketch = lookup(numbers({12, 40}));
  const Model model = prepare_float_model(sketch.constant("w", numbers({40, 8})).node("MatMul", {"y", "w"}, {"z"}).output("z").model());
  CalibrationSamples samples = random_samples(model, 16);
  samples.feed = [](std::int64_t) { return std::vector{some_rows(12)}; };
  for (const std::string stage : {"bias_correction()", "bias_correction(mode=full)", "smoothquant()", "equalize()", "finetune(epochs=1)"}) {
    for (const std::string scheme : {"rtn(bits=3,group_size=-1)", "gptq(bits=3,group_size=-1)", "hqq(bits=3,group_size=-1)"}) {
      SCOPED_TRACE(cat(stage, " ", scheme));
      const Config config = parse_config(with_lookups(cat(stage, " + ", scheme)));
      StageRemarks remarks;
      Model changed = changes_model(model, config) ? apply_stages(model, config, samples, remarks) : model;
      WeightSolutions solutions;
      if (uses_layer_inputs(changed, config)) solutions = solve_layers(changed, config, samples);
      if (corrects_biases(config)) changed = correct_biases(changed, config, {}, solutions, samples, remarks).model;
      const CalibrationStatistics none;
      if (finetunes(config)) {
        FinetunedModel tuned = finetune(
            {.reference = model, .start = changed, .config = config, .statistics = none, .solutions = solutions, .samples = samples},
            remarks);
        changed = std::move(tuned.model);
        solutions = std::move(tuned.solutions);
      }
      const Conversion conversion = convert(changed, config, {}, solutions);
      EXPECT_NE(decision_of(conversion, "n_y").scheme, "float");
      EXPECT_EQ(run_once(conversion.model, {some_rows(12)}).at(1).elements(), 5 * 8);
    }
  }
}

TEST(Lookup, IsReadBackWithTheSameBits) {
  for (const std::string config : {"rtn(bits=4,group_size=16)", "static_int8()", "nf4()"}) {
    const Model model = converted(embedding({21, 45}), with_lookups(config)).model;
    const Model again = read_model(write_model(model), nullptr, {});
    EXPECT_TRUE(std::ranges::equal(run_once(model, {some_rows(21)}).at(0).bytes(), run_once(again, {some_rows(21)}).at(0).bytes()))
        << config;
  }
}

TEST(Lookup, IsWhatOnnxRuntimeLooksUp) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  std::vector<std::string> names;
  const auto add = [&](const Model& model, const std::string& config, std::vector<Tensor> inputs) {
    names.push_back(cat(model.graph.nodes.size(), " nodes, ", config));
    runs.push_back({converted(model, with_lookups(config)).model, std::move(inputs)});
  };
  for (const std::string config :
       {"rtn(bits=2)", "rtn(bits=4,group_size=16)", "rtn(bits=4,sym=false,group_size=16)", "rtn(bits=4,sym=false,group_size=-1)",
        "rtn(bits=8,sym=false)", "rtn(bits=8,group_size=0)", "static_int8()", "static_int8(per_channel=false)",
        "static_int8(weight_sym=false)", "fp8(weights_only=true)", "nf4()", "hqq()", "mx(format=fp8_e4m3,weights_only=true)"}) {
    for (const Shape& shape : {Shape{21, 45}, Shape{37, 64}, Shape{11, 3, 15}}) add(embedding(shape), config, {some_rows(shape[0])});
    // What multiplies codes rounds otherwise in another order.
    if (config.starts_with("static")) continue;
    for (const bool transposed : {true, false}) add(tied(transposed).model(), config, {some_rows(24), numbers({3, 64}, 5)});
  }
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(names[index]);
    ASSERT_EQ(results[index].error, "");
    const std::vector<Tensor> own = run_once(runs[index].model, runs[index].inputs);
    EXPECT_TRUE(std::ranges::equal(own[0].bytes(), results[index].outputs.at(0).bytes()));
    for (std::size_t output = 1; output < own.size(); ++output) {
      float largest = 0;
      for (const float element : own[output].data<float>()) largest = std::max(largest, std::fabs(element));
      ASSERT_EQ(own[output].elements(), results[index].outputs.at(output).elements());
      for (std::size_t place = 0; place < own[output].data<float>().size(); ++place)
        ASSERT_NEAR(own[output].data<float>()[place], results[index].outputs.at(output).data<float>()[place], 1e-5F * largest);
    }
  }
}

}  // namespace
}  // namespace titrate::engine
