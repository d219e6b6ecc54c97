// What every row of the operator table must do, whoever wrote it.
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "engine/ops/operator.hpp"

namespace titrate::engine {
namespace {

// A node of the row with as many inputs and outputs as asked for.
Node node_of(const OperatorDefinition& row, int inputs, int outputs) {
  Node node;
  node.name = "the_node";
  node.type = std::string(row.type);
  node.domain = std::string(row.domain);
  node.inputs.assign(static_cast<std::size_t>(inputs), ValueId{0});
  node.outputs.assign(static_cast<std::size_t>(outputs), ValueId{1});
  return node;
}

int most_inputs(const OperatorDefinition& row) { return row.most_inputs < 0 ? row.least_inputs + 3 : row.most_inputs; }

// Infers, and holds whatever is thrown to be an Error(invalid) that names the node. Returns whether it was refused.
bool refused(const OperatorDefinition& row, const Node& node, std::span<const Operand> operands) {
  for (const std::int64_t opset : {std::int64_t{row.first_opset}, std::min<std::int64_t>(row.last_opset, 25)}) {
    if (opset < row.first_opset) continue;
    try {
      const std::vector<OutputType> outputs = infer_outputs(row, {.node = node, .opset = opset, .inputs = operands});
      EXPECT_EQ(outputs.size(), node.outputs.size());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid) << error.what();
      EXPECT_NE(error.where().find("the_node"), std::string::npos) << error.what();
      return true;
    }
  }
  return false;
}

std::vector<Operand> operands(int count, const Operand& each) { return std::vector<Operand>(static_cast<std::size_t>(count), each); }

TEST(OperatorContract, RowsAreWhole) {
  ASSERT_FALSE(operators().empty());
  for (const OperatorDefinition& row : operators()) {
    SCOPED_TRACE(cat(row.domain, ".", row.type, " ", row.first_opset));
    EXPECT_FALSE(row.type.empty());
    EXPECT_NE(row.infer, nullptr);
    EXPECT_NE(row.prepare, nullptr);
    EXPECT_LE(row.first_opset, row.last_opset);
    EXPECT_GE(row.least_inputs, 0);
    if (row.most_inputs >= 0) {
      EXPECT_LE(row.least_inputs, row.most_inputs);
    }
    if (row.most_inputs >= 0) {
      EXPECT_EQ(row.shape_inputs >> row.most_inputs, 0U);
    }
  }
}

TEST(OperatorContract, NoTwoRowsServeOneOpset) {
  const std::span<const OperatorDefinition> rows = operators();
  for (std::size_t left = 0; left < rows.size(); ++left) {
    for (std::size_t right = left + 1; right < rows.size(); ++right) {
      if (rows[left].type != rows[right].type || rows[left].domain != rows[right].domain) continue;
      const bool apart = rows[left].last_opset < rows[right].first_opset || rows[right].last_opset < rows[left].first_opset;
      EXPECT_TRUE(apart) << rows[left].type << " opsets " << rows[left].first_opset << " and " << rows[right].first_opset;
    }
  }
}

TEST(OperatorContract, FindsEachRowByItsOpset) {
  for (const OperatorDefinition& row : operators()) {
    EXPECT_EQ(find_operator(row.type, row.domain, row.first_opset), &row) << row.type;
    EXPECT_EQ(find_operator(row.type, row.domain, row.last_opset), &row) << row.type;
  }
}

TEST(OperatorContract, RefusesTooFewAndTooManyInputs) {
  for (const OperatorDefinition& row : operators()) {
    SCOPED_TRACE(row.type);
    const Operand unknown{.present = true, .type = DataType::undefined, .shape = std::nullopt};
    if (row.least_inputs > 0) {
      EXPECT_TRUE(refused(row, node_of(row, row.least_inputs - 1, 1), operands(row.least_inputs - 1, unknown)));
    }
    if (row.most_inputs >= 0) {
      EXPECT_TRUE(refused(row, node_of(row, row.most_inputs + 1, 1), operands(row.most_inputs + 1, unknown)));
    }
    if (row.least_inputs > 0) {
      EXPECT_TRUE(refused(row, node_of(row, row.least_inputs, 1), operands(row.least_inputs, Operand{}))) << "left out";
    }
  }
}

// Whatever is known or not, infer() gives types or an Error; nothing else.
TEST(OperatorContract, NeverCrashesOnLittleKnowledge) {
  const Tensor huge = Tensor::of<std::int64_t>({2}, {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()});
  const Tensor empty = Tensor::of<std::int64_t>({0}, std::vector<std::int64_t>{});
  const Tensor negative = Tensor::scalar<std::int64_t>(-7);
  const Tensor nan = Tensor::scalar(std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::optional<Shape>> shapes = {std::nullopt,
                                                    Shape{},
                                                    Shape{0},
                                                    Shape{-1},
                                                    Shape{-1, -1},
                                                    Shape{2, 3},
                                                    Shape{0, 5},
                                                    Shape{1, 4, 6, 6},
                                                    Shape{-1, 4, -1, 6},
                                                    Shape{2, 3, 0},
                                                    Shape(12, -1),
                                                    Shape{1LL << 40, 1LL << 40},
                                                    Shape{(1LL << 62), 8, 1LL << 62, 4}};
  const std::vector<const Tensor*> values = {&huge, &empty, &negative, &nan};
  for (const OperatorDefinition& row : operators()) {
    SCOPED_TRACE(row.type);
    for (int inputs = row.least_inputs; inputs <= most_inputs(row); ++inputs) {
      for (int outputs = 1; outputs <= 4; ++outputs) {
        const Node node = node_of(row, inputs, outputs);
        for (const DataType type :
             {DataType::undefined, DataType::float32, DataType::int64, DataType::string, DataType::boolean, DataType::complex64}) {
          for (const std::optional<Shape>& shape : shapes) {
            refused(row, node, operands(inputs, {.present = true, .type = type, .shape = shape}));
          }
        }
        for (const Tensor* value : values) {
          std::vector<Operand> all = operands(inputs, {.present = true, .type = DataType::float32, .shape = Shape{2, 3}});
          for (std::size_t at = 1; at < all.size(); ++at)
            all[at] = {.present = true, .type = value->type(), .shape = value->shape(), .value = value};
          refused(row, node, all);
        }
      }
    }
  }
}

struct HostileAttribute {
  std::string name;
  Attribute::Content content;
};

std::vector<HostileAttribute> hostile_attributes() {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  std::vector<HostileAttribute> attributes;
  for (const std::string name :
       {"axis", "k",    "k_",         "blocksize", "batch_dims", "num_outputs", "group",    "to",     "dtype",     "hidden_size",
        "size", "bits", "block_size", "start",     "end",        "allowzero",   "keepdims", "axis_w", "ceil_mode", "storage_order",
        "K",    "N"}) {
    for (const std::int64_t number : {most, least, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1000}})
      attributes.push_back({name, number});
  }
  for (const std::string name : {"axes", "perm", "pads", "starts", "ends", "kernel_shape", "strides", "dilations", "split", "output_shape",
                                 "output_padding", "shape"}) {
    for (const std::vector<std::int64_t>& list : {std::vector<std::int64_t>{most, most},
                                                  {least, least},
                                                  {0, 0},
                                                  {-1, -1},
                                                  {},
                                                  {7, 7, 7, 7, 7, 7, 7, 7},
                                                  {most, most, most, most}}) {
      attributes.push_back({name, list});
    }
  }
  for (const std::string name :
       {"equation", "mode", "direction", "reduction", "auto_pad", "approximate", "coordinate_transformation_mode"}) {
    for (const std::string text : {"", "nonsense", "->", "a\x1b[31m", "...a,...->"}) attributes.push_back({name, text});
  }
  return attributes;
}

TEST(OperatorContract, HostileAttributesAreRefusedOrHarmless) {
  const std::vector<std::optional<Shape>> shapes = {std::nullopt, Shape{2, 3}, Shape{1, 4, 6, 6}, Shape{-1, 4, -1, 6}, Shape{0, 4, 0, 0}};
  for (const OperatorDefinition& row : operators()) {
    for (const HostileAttribute& attribute : hostile_attributes()) {
      SCOPED_TRACE(cat(row.type, " ", attribute.name));
      for (int inputs = row.least_inputs; inputs <= most_inputs(row); ++inputs) {
        Node node = node_of(row, inputs, 2);
        node.set(attribute.name, attribute.content);
        for (const std::optional<Shape>& shape : shapes)
          refused(row, node, operands(inputs, {.present = true, .type = DataType::float32, .shape = shape}));
      }
    }
  }
}

TEST(OperatorContract, AxisOutsideTheRankIsRefused) {
  const std::set<std::string_view> with_axis = {"ArgMax", "ArgMin",         "Concat",          "Split",
                                                "Gather", "GatherElements", "ScatterElements", "Flatten"};
  int checked = 0;
  for (const OperatorDefinition& row : operators()) {
    if (!with_axis.contains(row.type)) continue;
    ++checked;
    for (const std::int64_t axis : {std::int64_t{3}, std::int64_t{-3}}) {
      Node node = node_of(row, row.least_inputs, 1);
      node.set("axis", axis);
      std::vector<Operand> all = operands(row.least_inputs, {.present = true, .type = DataType::float32, .shape = Shape{2, 3}});
      if (row.type.starts_with("Gather") || row.type.starts_with("Scatter")) all[1].type = DataType::int64;
      EXPECT_TRUE(refused(row, node, all)) << row.type << " axis " << axis;
    }
  }
  EXPECT_GE(checked, static_cast<int>(with_axis.size()));
}

}  // namespace
}  // namespace titrate::engine
