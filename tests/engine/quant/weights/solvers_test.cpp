// What must hold for every algorithm that finds codes from a layer's inputs.
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <random>

#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/weights/input_moments.hpp"
#include "engine/quant/weights/input_rows.hpp"
#include "engine/quant/weights/refine.hpp"
#include "engine/quant/weights/regrid.hpp"
#include "engine/quant/weights/search_ranges.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

// Inputs of few directions, as layers see them: that is where there is something to gain.
LayerProblem correlated_problem(std::int64_t rows, std::int64_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const std::int64_t directions = std::max<std::int64_t>(1, columns / 4);
  std::vector<float> mix(static_cast<std::size_t>(directions * columns));
  for (float& number : mix) number = normal(random);
  std::vector<float> inputs;
  for (int row = 0; row < 400; ++row) {
    std::vector<float> own(static_cast<std::size_t>(columns));
    for (std::int64_t direction = 0; direction < directions; ++direction) {
      const float amount = normal(random);
      for (std::int64_t column = 0; column < columns; ++column)
        own[static_cast<std::size_t>(column)] += amount * mix[static_cast<std::size_t>(direction * columns + column)];
    }
    for (float& number : own) inputs.push_back(number + 0.3F * normal(random));
  }
  LayerProblem problem{.target = {.rows = rows, .columns = columns, .elements = {}}, .gram = {}};
  for (std::int64_t index = 0; index < rows * columns; ++index) problem.target.elements.push_back(normal(random));
  InputMoments moments(columns);
  moments.add(inputs, {});
  problem.gram = moments.gram;
  return problem;
}

std::vector<Config> solvers() {
  return parse_config_set(
      "gptq(bits=[2,4,8],sym=[true,false],group_size=[16,-1]); gptq(act_order=true,refine=0,group_size=16);"
      "adaround(bits=3,sym=[true,false],iterations=300); signround(bits=3,sym=[true,false],group_size=[16,-1]);"
      "awq(bits=2,sym=[true,false],group_size=[16,-1])");
}

QuantizedMatrix solved(const LayerProblem& problem, const Scheme& scheme) {
  const WeightSolver& solver = *implementation_of(scheme).solver;
  QuantizedMatrix quantized = quantize_weights(problem.target, solver.grid(scheme));
  EXPECT_EQ(solver.improve(problem, scheme, quantized), std::nullopt);
  return quantized;
}

TEST(WeightSolvers, OutputErrorIsLessThanRoundedToNearest) {
  const LayerProblem problem = correlated_problem(30, 48, 1);
  for (const Config& config : solvers()) {
    const QuantizedMatrix nearest = quantize_weights(problem.target, implementation_of(config.scheme).solver->grid(config.scheme));
    const double gain = output_error(problem, nearest) / output_error(problem, solved(problem, config.scheme));
    EXPECT_GT(gain, 1.3) << to_text(config);
  }
}

TEST(WeightSolvers, CodesStayInTheirRangeAndScalesUsable) {
  for (const std::int64_t columns : {1, 5, 33}) {
    const LayerProblem problem = correlated_problem(3, columns, 2);
    for (const Config& config : solvers()) {
      const QuantizedMatrix quantized = solved(problem, config.scheme);
      for (const std::int16_t code : quantized.codes) {
        EXPECT_GE(code, quantized.range.least) << to_text(config);
        EXPECT_LE(code, quantized.range.most) << to_text(config);
      }
      for (const float scale : quantized.scales) EXPECT_TRUE(scale > 0 && std::isfinite(scale)) << to_text(config);
    }
  }
}

TEST(WeightSolvers, NoThreadCountChangesTheCodes) {
  const LayerProblem problem = correlated_problem(61, 40, 3);
  const int before = omp_get_max_threads();
  for (const Config& config : solvers()) {
    omp_set_num_threads(1);
    const QuantizedMatrix one = solved(problem, config.scheme);
    omp_set_num_threads(4);
    const QuantizedMatrix four = solved(problem, config.scheme);
    EXPECT_EQ(one.codes, four.codes) << to_text(config);
    EXPECT_EQ(one.scales, four.scales) << to_text(config);
  }
  omp_set_num_threads(before);
}

TEST(WeightSolvers, LongOnesGiveUpBetweenTwoSteps) {
  for (const char* config : {"adaround(bits=3,iterations=100000)", "signround(bits=3,iterations=100000)"}) {
    LayerProblem problem = correlated_problem(10, 24, 4);
    std::atomic<int> asked = 0;
    problem.cancelled = [&] { return ++asked > 5; };
    const Scheme scheme = parse_config(config).scheme;
    QuantizedMatrix quantized = quantize_weights(problem.target, implementation_of(scheme).solver->grid(scheme));
    try {
      (void)implementation_of(scheme).solver->improve(problem, scheme, quantized);
      ADD_FAILURE() << config;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::interrupted) << config;
    }
    EXPECT_LT(asked, 100) << config;
  }
}

TEST(Refine, NeverRaisesTheError) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const LayerProblem problem = correlated_problem(7, 24, seed);
    for (const int bits : {2, 3, 4}) {
      QuantizedMatrix quantized = quantize_weights(problem.target, {.bits = bits, .mode = WeightMode::asymmetric, .group_size = 16});
      double before = output_error(problem, quantized);
      for (int round = 0; round < 3; ++round) {
        refine(problem, 0, 1, quantized);
        const double after = output_error(problem, quantized);
        EXPECT_LE(after, before * (1 + 1e-6));
        before = after;
      }
    }
  }
}

// Of the grids of a group that are tried, the best for its output is found by trying all here too.
TEST(SearchRanges, FindsTheBestCutOfAGroup) {
  const LayerProblem problem = correlated_problem(40, 24, 7);  // rows are searched 32 at a time
  for (const WeightMode mode : {WeightMode::narrow, WeightMode::asymmetric}) {
    const RoundToNearest how{.bits = 3, .mode = mode, .group_size = -1};
    const QuantizedMatrix whole = quantize_weights(problem.target, how);
    QuantizedMatrix searched = whole;
    search_ranges(problem, how, searched);
    int cut = 0;
    for (std::int64_t row = 0; row < whole.rows; ++row) {
      const LayerProblem alone{.target = rows_of(problem.target, row, 1), .gram = problem.gram};
      double least = std::numeric_limits<double>::infinity();
      for (int step = 0; step < 16; ++step) {
        QuantizedMatrix candidate = rows_of(whole, row, 1);
        const AffineParameters grid = grid_of_range(alone.target.elements, how, static_cast<float>(1 - 0.05 * step));
        candidate.scales = {grid.scale};
        candidate.zero_points = {grid.zero_point};
        for (std::size_t column = 0; column < candidate.codes.size(); ++column)
          candidate.codes[column] = static_cast<std::int16_t>(quantize(alone.target.elements[column], grid, candidate.range));
        least = std::min(least, output_error(alone, candidate));
      }
      EXPECT_NEAR(output_error(alone, rows_of(searched, row, 1)), least, 1e-9 * least) << row;
      if (searched.scales[static_cast<std::size_t>(row)] != whole.scales[static_cast<std::size_t>(row)]) ++cut;
    }
    EXPECT_GT(cut, 20);
  }
}

TEST(SearchRanges, NeverRaisesTheErrorOfGroupsThatBelongTogether) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const LayerProblem problem = correlated_problem(33, 50, seed);
    const RoundToNearest how{.bits = 2, .mode = WeightMode::asymmetric, .group_size = 16, .search_clip = true};
    QuantizedMatrix quantized = quantize_weights(problem.target, how);
    const double before = output_error(problem, quantized);
    search_ranges(problem, how, quantized);
    EXPECT_LT(output_error(problem, quantized), before);
  }
}

// Scales too large and zero points beside the right ones: moving codes alone cannot mend that.
TEST(Refine, FindsAGridAgainThatWasLost) {
  const LayerProblem problem = correlated_problem(12, 40, 4);
  for (const std::int64_t group : {16, -1}) {
    QuantizedMatrix good = quantize_weights(problem.target, {.bits = 4, .mode = WeightMode::asymmetric, .group_size = group});
    QuantizedMatrix lost = good;
    for (float& scale : lost.scales) scale *= 1.5F;
    for (std::int32_t& zero_point : lost.zero_points) zero_point = std::min(zero_point + 1, 15);
    for (std::int64_t row = 0; row < lost.rows; ++row) {
      for (std::int64_t column = 0; column < lost.columns; ++column) {
        const auto place = static_cast<std::size_t>(row * lost.columns + column);
        lost.codes[place] = static_cast<std::int16_t>(quantize(problem.target.elements[place], lost.parameters(row, column), lost.range));
      }
    }
    const std::vector<std::int32_t> wrong = lost.zero_points;
    refine(problem, 0, 20, good);
    refine(problem, 0, 20, lost);
    EXPECT_NE(lost.zero_points, wrong) << group;
    EXPECT_LT(output_error(problem, lost), 2 * output_error(problem, good)) << group;
  }
}

TEST(GroupFeedback, SaysWhatIsLeftOfTheError) {
  const LayerProblem problem = correlated_problem(1, 6, 6);
  const IntegerRange range = unsigned_range(3);
  const AffineParameters present{.scale = 0.8F, .zero_point = 3};
  const std::vector<double> zeros(6);  // the codes at the zero point: the difference is the target
  std::vector<double> gradient(6);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < 6; ++j) gradient[i] += problem.gram[i * 6 + j] * static_cast<double>(problem.target.elements[j]);
  }
  const GroupFeedback feedback(problem.gram, 6, 0, 6);
  ASSERT_TRUE(feedback.usable());
  const auto found = feedback.best(zeros, gradient, present, range, true);
  ASSERT_TRUE(found.has_value());
  const QuantizedMatrix quantized{.rows = 1,
                                  .columns = 6,
                                  .group = 6,
                                  .range = range,
                                  .codes = found->codes,
                                  .scales = {found->grid.scale},
                                  .zero_points = {found->grid.zero_point}};
  EXPECT_NEAR(found->error, output_error(problem, quantized), 1e-5 * found->error);
  EXPECT_LT(found->error, output_energy(problem));
}

TEST(WeightSolvers, InputsThatAreAlwaysZeroHarmNothing) {
  LayerProblem problem = correlated_problem(4, 20, 5);
  for (std::size_t index = 0; index < 20; ++index) problem.gram[index * 20 + 7] = problem.gram[7 * 20 + index] = 0;
  LayerProblem nothing = problem;
  std::fill(nothing.gram.begin(), nothing.gram.end(), 0.0);
  for (const Config& config : solvers()) {
    EXPECT_TRUE(std::isfinite(output_error(problem, solved(problem, config.scheme)))) << to_text(config);
    EXPECT_EQ(output_error(nothing, solved(nothing, config.scheme)), 0) << to_text(config);
  }
}

// The rows times the weights are the node's outputs.
void expect_products(const Node& node, const Tensor& weights, const Tensor& input, const Tensor& output) {
  const InputRows rows = input_rows(node, weights.shape(), input, 1'000'000);
  const std::int64_t outputs = weights.shape()[node.type == "MatMul" ? 1 : 0];
  ASSERT_EQ(rows.rows * outputs, output.elements());
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    for (std::int64_t channel = 0; channel < outputs; ++channel) {
      const std::int64_t group = channel / (outputs / rows.groups);
      double sum = 0;
      for (std::int64_t column = 0; column < rows.columns; ++column) {
        const std::int64_t place = node.type == "MatMul" ? column * outputs + channel : channel * rows.columns + column;
        sum += static_cast<double>(rows.group(group)[static_cast<std::size_t>(row * rows.columns + column)]) *
               static_cast<double>(weights.data<float>()[static_cast<std::size_t>(place)]);
      }
      const std::int64_t positions = rows.rows / input.shape()[0];
      const std::int64_t at =
          node.type == "Conv" ? (row / positions * outputs + channel) * positions + row % positions : row * outputs + channel;
      ASSERT_NEAR(static_cast<double>(output.data<float>()[static_cast<std::size_t>(at)]), sum, 1e-4);
    }
  }
}

TEST(InputRows, TimesTheWeightsAreTheOutputs) {
  struct Case {
    Shape input;
    Shape weights;
    std::vector<Attribute> attributes;
  };
  const auto ints = [](const char* name, std::vector<std::int64_t> values) { return attribute(name, std::move(values)); };
  const std::vector<Case> cases = {
      {{2, 3, 7, 6}, {4, 3, 3, 3}, {ints("pads", {1, 0, 2, 1}), ints("strides", {2, 1})}},
      {{1, 4, 5, 5}, {6, 2, 2, 3}, {attribute("group", std::int64_t{2}), ints("dilations", {2, 1})}},
      {{1, 3, 6, 6}, {3, 1, 3, 3}, {attribute("group", std::int64_t{3}), attribute("auto_pad", std::string("SAME_UPPER"))}},
      {{1, 2, 9}, {3, 2, 4}, {}},
      {{1, 2, 3, 4, 5}, {2, 2, 2, 2, 2}, {}},
  };
  for (const Case& each : cases) {
    Sketch sketch(13);
    const Tensor weights = numbers(each.weights, 3);
    sketch.input("x", each.input).constant("w", weights);
    const Model model = sketch.node("Conv", {"x", "w"}, {"y"}, each.attributes).output("y").model();
    const Tensor input = numbers(each.input, 9);
    expect_products(model.graph.nodes[0], weights, input, run_once(model, {input}).at(0));
  }
  Sketch sketch(13);
  const Tensor weights = numbers({5, 7}, 3);
  sketch.input("x", {2, 3, 5}).constant("w", weights);
  const Model model = sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  const Tensor input = numbers({2, 3, 5}, 9);
  expect_products(model.graph.nodes[0], weights, input, run_once(model, {input}).at(0));
}

TEST(SolveLayers, LaterLayersMakeUpForEarlierOnes) {
  Sketch sketch(13);
  sketch.input("x", {8, 24}).constant("w1", numbers({24, 32}, 1)).constant("w2", numbers({32, 16}, 2)).constant("w3", numbers({16, 4}, 3));
  sketch.node("MatMul", {"x", "w1"}, {"a"}).node("Relu", {"a"}, {"b"}).node("MatMul", {"b", "w2"}, {"c"});
  const Model model = sketch.node("Relu", {"c"}, {"d"}).node("MatMul", {"d", "w3"}, {"y"}).output("y").model();
  const auto error = [&](const std::string& config) {
    const Model quantized = converted(model, config).model;
    double sum = 0;
    for (unsigned seed = 100; seed < 110; ++seed) {
      const Tensor input = numbers({8, 24}, seed);
      const Tensor wanted = run_once(model, {input}).at(0);
      const Tensor own = run_once(quantized, {input}).at(0);
      for (std::int64_t index = 0; index < wanted.elements(); ++index)
        sum += std::pow(
            static_cast<double>(wanted.data<float>()[static_cast<std::size_t>(index)] - own.data<float>()[static_cast<std::size_t>(index)]),
            2);
    }
    return sum;
  };
  const double nearest = error("rtn(bits=3,group_size=-1,clip=mse)");
  for (const char* config : {"gptq(bits=3,group_size=-1)", "adaround(bits=3,group_size=-1)", "signround(bits=3,group_size=-1)"})
    EXPECT_LT(error(config), nearest) << config;
}

TEST(SolveLayers, SaysWhatEachLayerGained) {
  const Model model =
      Sketch(13).input("x", {8, 24}).constant("w", numbers({24, 32}, 1)).node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  const Conversion conversion = converted(model, "gptq(bits=3,group_size=-1)");
  EXPECT_NE(conversion.decisions[0].reason.find("held-out rows"), std::string::npos) << conversion.decisions[0].reason;
}

TEST(SolveLayers, HqqDoesWithoutDataAndAsksItWhereThereIsSome) {
  const Model model =
      Sketch(13).input("x", {8, 24}).constant("w", numbers({24, 32}, 1)).node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  EXPECT_NE(converted(model, "hqq(bits=3,group_size=-1)").decisions[0].reason.find("held-out rows"), std::string::npos);
  const Model prepared = prepare_float_model(model);
  EXPECT_FALSE(needs_layer_inputs(prepared, parse_config("hqq()")));
  EXPECT_TRUE(uses_layer_inputs(prepared, parse_config("hqq()")));
  const Conversion conversion = convert(prepared, parse_config("hqq(bits=3,group_size=-1)"), {});
  EXPECT_EQ(conversion.decisions[0].reason.find("held-out rows"), std::string::npos) << conversion.decisions[0].reason;
  EXPECT_GT(conversion.decisions[0].stored_bytes, 0);
}

TEST(SolveLayers, AConfigWithoutItsSolutionSaysWhatIsMissing) {
  const Model model = prepare_float_model(
      Sketch(13).input("x", {8, 24}).constant("w", numbers({24, 32}, 1)).node("MatMul", {"x", "w"}, {"y"}).output("y").model());
  try {
    (void)convert(model, parse_config("gptq()"), {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_NE(std::string(error.what()).find("calibration data"), std::string::npos);
  }
}

}  // namespace
}  // namespace titrate::engine
