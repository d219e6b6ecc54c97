// com.microsoft.QLinearConcat: joins 8-bit tensors along an axis. What has the result's scale and zero point is copied, the rest goes
// through a table of 256 codes.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "engine/kernels/elementwise_int8/elementwise_int8.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/code_table.hpp"
#include "engine/ops/concat_shape.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// Inputs: the result's scale and zero point, then codes, scale and zero point of each part.
constexpr std::size_t scale_y = 0;
constexpr std::size_t first_part = 2;

std::vector<std::size_t> part_inputs(std::size_t inputs) {
  std::vector<std::size_t> indices;
  for (std::size_t index = first_part; index < inputs; index += 3) indices.push_back(index);
  return indices;
}

std::vector<OutputType> infer_concat(const InferRequest& request) {
  const std::size_t inputs = request.inputs.size();
  if ((inputs - first_part) % 3 != 0) request.refuse(cat("it has ", inputs, " inputs: each part needs codes, scale and zero point"));
  if (request.node.find("axis") == nullptr) request.refuse("attribute 'axis' is missing");
  const std::vector<std::size_t> parts = part_inputs(inputs);
  for (const std::size_t part : parts) check_type(request, part, code_types);
  DataType type = common_type(request, parts);
  if (type == DataType::undefined) type = request.type(scale_y + 1);
  check_linear_code(request, scale_y, type);
  for (const std::size_t part : parts) check_linear_code(request, part + 1, type);
  return {{.type = type, .shape = concatenation(request, parts, request.node.integer("axis", 1))}};
}

// None: the part's codes are the result's.
std::optional<CodeTable> table_for(DataType type, const LinearCode& part, const LinearCode& result) {
  if (part == result) return std::nullopt;
  return code_table(type, part, result, [](float number) { return number; });
}

struct Part {
  std::size_t input;
  LinearCodeInput code;
  bool prepared;                   // `table` holds for every run
  std::optional<CodeTable> table;  // none: a copy
};

std::vector<Part> read_parts(const PrepareRequest& request, const LinearCodeInput& result) {
  std::vector<Part> parts;
  for (const std::size_t input : part_inputs(request.inputs.size())) {
    Part part{input, LinearCodeInput(request, input + 1), false, std::nullopt};
    if (part.code.constant() && result.constant()) {
      part.prepared = true;
      part.table = table_for(request.type(input), *part.code.constant(), *result.constant());
    }
    parts.push_back(part);
  }
  return parts;
}

// Where a part's bytes come from and how many of them stand together in each line of the result.
struct Source {
  const std::uint8_t* codes;
  std::size_t length;
  const CodeTable* table;
};

void join(std::span<const Source> sources, std::size_t line, std::size_t lines, std::uint8_t* target) {
  const auto translate_codes = kernels::elementwise_int8_kernels(selected_isa()).translate;
  for (std::size_t done = 0; done < lines; ++done) {
    for (const Source& source : sources) {
      const std::uint8_t* from = source.codes + (line + done) * source.length;
      if (source.table != nullptr) {
        translate_codes(source.table->data(), from, target, source.length);
      } else {
        std::memcpy(target, from, source.length);
      }
      target += source.length;
    }
  }
}

Step prepare_concat(const PrepareRequest& request) {
  const LinearCodeInput result(request, scale_y);
  return [parts = read_parts(request, result), result, given = request.node.integer("axis", 1)](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& shape = run.out().shape();
    const auto axis = shape.begin() + static_cast<std::ptrdiff_t>(step_axis(given, run.out().rank()));
    const auto lines = static_cast<std::size_t>(element_count({shape.begin(), axis}));
    std::vector<std::optional<CodeTable>> tables(parts.size());
    std::vector<Source> sources;
    for (std::size_t index = 0; index < parts.size(); ++index) {
      const Part& part = parts[index];
      const Tensor& codes = run.in(part.input);
      if (!part.prepared) tables[index] = table_for(codes.type(), part.code(run), result(run));
      const std::optional<CodeTable>& table = part.prepared ? part.table : tables[index];
      sources.push_back({codes.bits<std::uint8_t>().data(), static_cast<std::size_t>(codes.elements()) / lines, table ? &*table : nullptr});
    }
    std::erase_if(sources, [](const Source& source) { return source.length == 0; });
    const std::size_t line_bytes = static_cast<std::size_t>(run.out().elements()) / lines;
    const std::size_t piece = std::max<std::size_t>(1, (std::size_t{1} << 14) / line_bytes);  // lines: enough work for a thread
    std::uint8_t* target = run.out().mutable_bits<std::uint8_t>().data();
    kernels::parallel_for((lines + piece - 1) / piece, [&](std::size_t index, std::size_t) {
      const std::size_t first = index * piece;
      join(sources, first, std::min(piece, lines - first), target + first * line_bytes);
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearConcat",
     .domain = "com.microsoft",
     .least_inputs = 5,
     .most_inputs = -1,
     .infer = infer_concat,
     .prepare = prepare_concat},
};

}  // namespace

Family quantized_concat() { return rows; }

}  // namespace titrate::engine::ops
