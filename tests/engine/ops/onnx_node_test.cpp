// The node-level backend cases of ONNX (onnx/onnx: onnx/backend/test/data/node) as an outside witness: every case whose operators have a
// row is read, run and compared. onnx_node_cases.txt lists the cases that pass and must go on passing; onnx_node_differences.txt those
// that are known not to, with the reason. TITRATE_UPDATE_ONNX_NODE_CASES=1 writes the first list anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "engine/onnx/read.hpp"
#include "engine/run/executor.hpp"

namespace titrate::engine {
namespace {

namespace fs = std::filesystem;

const fs::path lists = fs::path(TITRATE_SOURCE_DIR) / "tests/engine/ops";
const fs::path archive = fs::path(TITRATE_SHARED_DIR) / "models/x2_onnx_node_tests.tar.xz";

// Unpacks the cases into the build folder, once; several test programs may do so at the same time.
fs::path unpacked_cases() {
  const fs::path folder = fs::path(TITRATE_BINARY_DIR) / "onnx_node_cases";
  if (fs::exists(folder)) return folder / "node";
  const fs::path fresh = folder.string() + "." + std::to_string(getpid());
  fs::create_directories(fresh);
  const std::string command = "tar -xJf '" + archive.string() + "' -C '" + fresh.string() + "'";
  if (std::system(command.c_str()) != 0) throw_invalid("the node cases could not be unpacked (tar and xz are needed)", archive.string());
  std::error_code taken;
  fs::rename(fresh, folder, taken);
  if (taken) fs::remove_all(fresh);
  return folder / "node";
}

Tensor tensor_in(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  return read_tensor(std::as_bytes(std::span<const char>(bytes)));
}

// input_0.pb, input_1.pb, ... of a data set.
std::vector<Tensor> tensors_in(const fs::path& folder, const std::string& kind) {
  std::vector<Tensor> tensors;
  for (int index = 0;; ++index) {
    const fs::path file = folder / (kind + "_" + std::to_string(index) + ".pb");
    if (!fs::exists(file)) return tensors;
    tensors.push_back(tensor_in(file));
  }
}

// ONNX's own tolerances for floats; integers, small types, booleans and strings must be equal.
std::string difference(const Tensor& actual, const Tensor& expected) {
  if (actual.type() != expected.type()) return cat("type ", name_of(actual.type()), " instead of ", name_of(expected.type()));
  if (actual.shape() != expected.shape()) return cat("shape ", to_text(actual.shape()), " instead of ", to_text(expected.shape()));
  if (expected.type() == DataType::string) {
    return std::ranges::equal(actual.strings(), expected.strings()) ? "" : "other strings";
  }
  // A small float has several codes for NaN, of which none is more right.
  const bool exact = !is_float(expected.type());
  if (exact && !is_float8(expected.type())) return std::ranges::equal(actual.bytes(), expected.bytes()) ? "" : "other elements";
  const std::vector<double> left = to_doubles(actual), right = to_doubles(expected);
  for (std::size_t index = 0; index < left.size(); ++index) {
    const bool equal = left[index] == right[index] || (std::isnan(left[index]) && std::isnan(right[index]));
    const bool near = !exact && std::abs(left[index] - right[index]) <= 1e-5 + 1e-3 * std::abs(right[index]);
    if (!equal && !near) return cat("element ", index, " is ", left[index], " instead of ", right[index]);
  }
  return "";
}

// Sequences, optionals and complex numbers are no tensors here.
bool holds_only_tensors(const Model& model) {
  const auto is_tensor = [&](ValueId id) { return model.graph[id].info.has_value(); };
  return std::ranges::all_of(model.graph.inputs, is_tensor) && std::ranges::all_of(model.graph.outputs, is_tensor);
}

bool is_supported(const Model& model) { return holds_only_tensors(model) && unsupported_operators(model).empty(); }

// What inference says from less knowledge must be true of what the run made: sizes that it claims to know, and types.
std::string contradiction(const std::vector<OutputType>& claimed, std::span<const Tensor> outputs) {
  for (std::size_t index = 0; index < outputs.size() && index < claimed.size(); ++index) {
    const OutputType& claim = claimed[index];
    if (claim.type != DataType::undefined && claim.type != outputs[index].type()) return cat("inferred type ", name_of(claim.type));
    if (!claim.shape) continue;
    bool fits = claim.shape->size() == outputs[index].shape().size();
    for (std::size_t axis = 0; fits && axis < claim.shape->size(); ++axis) {
      fits = (*claim.shape)[axis] < 0 || (*claim.shape)[axis] == outputs[index].shape()[axis];
    }
    if (!fits) return cat("inferred shape ", to_text(*claim.shape), " for ", to_text(outputs[index].shape()));
  }
  return "";
}

enum class Knowledge { nothing, types, ranks, odd_sizes, even_sizes, shapes, values };

Operand operand_for(const Tensor& tensor, Knowledge knowledge) {
  Operand operand{.present = true, .type = DataType::undefined, .shape = std::nullopt, .value = nullptr};
  if (knowledge >= Knowledge::types) operand.type = tensor.type();
  if (knowledge >= Knowledge::ranks) operand.shape = tensor.shape();
  for (std::size_t axis = 0; operand.shape && axis < operand.shape->size(); ++axis) {
    const bool hidden = knowledge == Knowledge::ranks || (knowledge == Knowledge::odd_sizes && axis % 2 == 0) ||
                        (knowledge == Knowledge::even_sizes && axis % 2 == 1);
    if (hidden) (*operand.shape)[axis] = -1;
  }
  if (knowledge >= Knowledge::values) operand.value = &tensor;
  return operand;
}

// For a model of one node that is fed all its inputs in order.
std::string inference_fault(const Model& model, std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  if (model.graph.nodes.size() != 1 || model.graph.nodes[0].outputs != model.graph.outputs) return "";
  const Node& node = model.graph.nodes[0];
  const std::int64_t opset = model.opset(node.domain);
  const OperatorDefinition* row = find_operator(node.type, node.domain, opset);
  for (int level = 0; level <= static_cast<int>(Knowledge::values); ++level) {
    std::vector<Operand> operands;
    std::size_t next = 0;
    for (const ValueId id : node.inputs) {
      const bool fed = id != ValueId::none && next < inputs.size() && model.graph.inputs[next] == id;
      if (id != ValueId::none && !fed) return "";
      operands.push_back(fed ? operand_for(inputs[next++], static_cast<Knowledge>(level)) : Operand{});
    }
    try {
      const std::string fault = contradiction(infer_outputs(*row, {.node = node, .opset = opset, .inputs = operands}), outputs);
      if (!fault.empty()) return cat(fault, " at level of knowledge ", level);
    } catch (const Error& error) {
      return cat("inference at level of knowledge ", level, ": ", error.what());
    }
  }
  return "";
}

// Empty if the case passes.
std::string run_case(const Model& model, const fs::path& folder) {
  const auto plan = std::make_shared<const Plan>(model);
  Executor executor(plan);
  for (int set = 0; fs::exists(folder / cat("test_data_set_", set)); ++set) {
    const fs::path data = folder / cat("test_data_set_", set);
    const std::vector<Tensor> inputs = tensors_in(data, "input");
    const std::vector<Tensor> expected = tensors_in(data, "output");
    const std::vector<Tensor> actual = executor.run(inputs);
    if (actual.size() != expected.size()) return cat(actual.size(), " outputs instead of ", expected.size());
    for (std::size_t index = 0; index < actual.size(); ++index) {
      const std::string fault = difference(actual[index], expected[index]);
      if (!fault.empty()) return cat("output ", index, ": ", fault);
    }
    const std::string fault = inference_fault(model, inputs, actual);
    if (!fault.empty()) return fault;
  }
  return "";
}

struct Outcome {
  bool supported = false;
  std::string fault;
};

Outcome outcome_of(const fs::path& folder) {
  Outcome outcome;
  try {
    const Model model = read_model(folder / "model.onnx");
    outcome.supported = is_supported(model);
    if (outcome.supported) outcome.fault = run_case(model, folder);
  } catch (const std::exception& error) {
    outcome.supported = true;
    outcome.fault = error.what();
  }
  return outcome;
}

// "name" or "name: reason" a line; lines with # are remarks.
std::map<std::string, std::string> list_in(const std::string& name) {
  std::ifstream stream(lists / name);
  std::map<std::string, std::string> entries;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(": ");
    entries[line.substr(0, colon)] = colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  return entries;
}

void write_list(const std::set<std::string>& passing) {
  std::ofstream stream(lists / "onnx_node_cases.txt");
  stream << "# The node-level backend cases of ONNX that pass (see onnx_node_test.cpp). Made by TITRATE_UPDATE_ONNX_NODE_CASES=1.\n";
  for (const std::string& name : passing) stream << name << '\n';
}

TEST(OnnxNodes, EveryCaseOfKnownOperatorsPasses) {
  if (!fs::exists(archive)) GTEST_SKIP() << archive << " is missing";
  const std::map<std::string, std::string> must_pass = list_in("onnx_node_cases.txt");
  const std::map<std::string, std::string> differences = list_in("onnx_node_differences.txt");
  std::set<std::string> passing;
  int failing = 0, unsupported = 0;
  std::set<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(unpacked_cases())) folders.insert(entry.path());
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    const Outcome outcome = outcome_of(folder);
    if (!outcome.supported) {
      ++unsupported;
      EXPECT_FALSE(must_pass.contains(name)) << name << " is listed, but no longer supported";
    } else if (outcome.fault.empty()) {
      passing.insert(name);
      EXPECT_FALSE(differences.contains(name)) << name << " is a known difference, but passes";
    } else {
      ++failing;
      EXPECT_TRUE(differences.contains(name)) << name << ": " << outcome.fault;
    }
  }
  for (const auto& [name, nothing] : must_pass) EXPECT_TRUE(passing.contains(name)) << name << " no longer passes";
  RecordProperty("passing", static_cast<int>(passing.size()));
  std::cout << passing.size() << " cases pass, " << failing << " differ as known, " << unsupported << " use what has no row\n";
  if (std::getenv("TITRATE_UPDATE_ONNX_NODE_CASES") != nullptr) write_list(passing);
}

TEST(OnnxNodes, EveryKnownDifferenceHasAReason) {
  for (const auto& [name, reason] : list_in("onnx_node_differences.txt")) EXPECT_FALSE(reason.empty()) << name;
}

}  // namespace
}  // namespace titrate::engine
