#include "tuner/random_inputs.hpp"

#include <random>
#include <set>

#include "engine/base/error.hpp"
#include "engine/base/float16.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Dimension;
using engine::Graph;
using engine::Tensor;
using engine::Value;

[[noreturn]] void refuse(const Value& value, const std::string& what) {
  throw_invalid(cat("nothing can be made up for an input ", what), cat("input '", visible(value.name), "'"), "give --data");
}

const std::vector<Dimension>& dimensions_of(const Value& value) {
  if (!value.info || value.info->type == DataType::undefined) refuse(value, "whose type the model does not say");
  if (!value.info->shape) refuse(value, "whose rank the model does not say");
  return *value.info->shape;
}

// Names of open leading sizes: they mean the batch wherever they stand.
std::set<std::string> batch_symbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (const engine::ValueId id : graph.inputs) {
    const std::vector<Dimension>& dimensions = dimensions_of(graph[id]);
    if (!dimensions.empty() && !dimensions[0].known() && !dimensions[0].symbol.empty()) symbols.insert(dimensions[0].symbol);
  }
  return symbols;
}

std::int64_t size_of(const Dimension& dimension, std::size_t axis, const std::set<std::string>& symbols, std::int64_t batch) {
  if (dimension.known()) return dimension.size;
  return axis == 0 || symbols.contains(dimension.symbol) ? batch : 1;
}

// 24 bits of the generator: every float in between is exact, whatever the library.
float unit(std::mt19937_64& random) { return static_cast<float>(static_cast<std::int64_t>(random() >> 40) - (1 << 23)) / (1 << 23); }

template <class T, class Make>
void fill(Tensor& tensor, const Make& make) {
  for (T& element : tensor.mutable_bits<T>()) element = static_cast<T>(make());
}

RandomInput make_input(const Value& value, engine::Shape shape, std::mt19937_64& random) {
  const DataType type = value.info->type;
  RandomInput input{.name = value.name, .tensor = Tensor::uninitialized(type, std::move(shape)), .content = "random in [-1, 1)"};
  const auto bit = [&] { return random() >> 63; };
  switch (type) {
    case DataType::float32:
      fill<float>(input.tensor, [&] { return unit(random); });
      return input;
    case DataType::float64:
      fill<double>(input.tensor, [&] { return unit(random); });
      return input;
    case DataType::float16:
      fill<std::uint16_t>(input.tensor, [&] { return half_from_float(unit(random)); });
      return input;
    case DataType::bfloat16:
      fill<std::uint16_t>(input.tensor, [&] { return bfloat16_from_float(unit(random)); });
      return input;
    case DataType::uint8:
    case DataType::int8:
      input.content = "random, the whole range of the type";
      fill<std::uint8_t>(input.tensor, [&] { return random() >> 56; });
      return input;
    case DataType::boolean:
      input.content = "random, true or false";
      fill<std::uint8_t>(input.tensor, bit);
      return input;
    default:
      break;
  }
  input.content = "random, 0 or 1";
  if (!engine::is_integer(type)) refuse(value, cat("of type ", engine::name_of(type)));
  if (engine::bits_of(type) == 16)
    fill<std::uint16_t>(input.tensor, bit);
  else if (engine::bits_of(type) == 32)
    fill<std::uint32_t>(input.tensor, bit);
  else if (engine::bits_of(type) == 64)
    fill<std::uint64_t>(input.tensor, bit);
  else
    refuse(value, cat("of type ", engine::name_of(type)));
  return input;
}

}  // namespace

std::vector<RandomInput> random_inputs(const Graph& graph, std::int64_t batch, std::uint64_t seed) {
  const std::set<std::string> symbols = batch_symbols(graph);
  std::mt19937_64 random(seed);
  std::vector<RandomInput> inputs;
  for (const engine::ValueId id : graph.inputs) {
    const std::vector<Dimension>& dimensions = dimensions_of(graph[id]);
    engine::Shape shape;
    for (std::size_t axis = 0; axis < dimensions.size(); ++axis) shape.push_back(size_of(dimensions[axis], axis, symbols, batch));
    inputs.push_back(make_input(graph[id], std::move(shape), random));
  }
  return inputs;
}

std::vector<std::string> open_sizes(const Graph& graph, std::int64_t batch) {
  const std::set<std::string> symbols = batch_symbols(graph);
  std::vector<std::string> words;
  for (const engine::ValueId id : graph.inputs) {
    const std::vector<Dimension>& dimensions = dimensions_of(graph[id]);
    for (std::size_t axis = 0; axis < dimensions.size(); ++axis) {
      if (dimensions[axis].known()) continue;
      const std::string symbol = dimensions[axis].symbol.empty() ? std::string() : cat(" (", dimensions[axis].symbol, ")");
      words.push_back(cat(graph[id].name, "[", axis, "]", symbol, " = ", size_of(dimensions[axis], axis, symbols, batch)));
    }
  }
  return words;
}

std::int64_t fixed_batch(const Graph& graph) {
  if (graph.inputs.empty()) return 1;
  const std::vector<Dimension>& dimensions = dimensions_of(graph[graph.inputs[0]]);
  return dimensions.empty() ? 1 : dimensions[0].size;
}

}  // namespace titrate
