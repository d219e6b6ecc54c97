// Products with packed weights, round to nearest and small floats beside the bandwidth of the memory, measured in the same program.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <vector>

#include "engine/base/float8.hpp"
#include "engine/kernels/float8/float8.hpp"
#include "engine/kernels/nbits_gemm/product.hpp"
#include "engine/quant/round_to_nearest.hpp"

namespace titrate {
namespace {

std::vector<float> numbers(std::size_t count) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> distribution(-0.5F, 0.5F);
  std::vector<float> made(count);
  for (float& number : made) number = distribution(random);
  return made;
}

// Bytes that memcpy copies in a second, in 128 MiB that no cache holds: the best of ten.
double copied_per_second() {
  static const double best = [] {
    const std::vector<char> source(std::size_t{128} << 20, 1);
    std::vector<char> target(source.size(), 2);
    double fastest = 0;
    for (int time = 0; time < 10; ++time) {
      const auto begin = std::chrono::steady_clock::now();
      std::memcpy(target.data(), source.data(), source.size());
      benchmark::DoNotOptimize(target.data());
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
      fastest = std::max(fastest, static_cast<double>(source.size()) / taken.count());
    }
    return fastest;
  }();
  return best;
}

// `bytes`: what one iteration must at least read. memcpy reads and writes, so a share of 1 is half of what the memory moves.
void count_bytes(benchmark::State& state, std::size_t bytes) {
  const auto all = static_cast<double>(bytes) * static_cast<double>(state.iterations());
  state.counters["B/s"] = benchmark::Counter(all, benchmark::Counter::kIsRate, benchmark::Counter::OneK::kIs1000);
  state.counters["of memcpy"] = benchmark::Counter(all / copied_per_second(), benchmark::Counter::kIsRate);
}

void product(benchmark::State& state) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  const auto bits = static_cast<int>(state.range(1));
  const bool integers = state.range(2) != 0;
  constexpr std::size_t size = 4096;
  constexpr std::size_t block = 32;
  std::mt19937 random(2);
  std::vector<std::uint8_t> codes(size * size * static_cast<std::size_t>(bits) / 8);
  for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
  const std::vector<float> scales = numbers(size * size / block);
  const kernels::NBitsWeights weights(
      {.bits = bits, .depth = size, .columns = size, .block = block, .codes = codes.data(), .scales = scales.data()});
  const std::vector<float> a = numbers(rows * size);
  std::vector<float> c(rows * size);
  std::vector<float> scratch(std::max(kernels::nbits_float_scratch(rows, size), kernels::nbits_integer_scratch(weights, rows)));
  const kernels::NBitsVariant variant = kernels::nbits_variant(selected_isa());
  for (auto _ : state) {
    (integers ? kernels::multiply_nbits_integers : kernels::multiply_nbits_floats)(variant, {rows, a.data(), weights, c.data()},
                                                                                   scratch.data());
    benchmark::DoNotOptimize(c.data());
  }
  count_bytes(state, weights.bytes());
  const auto operations = 2.0 * static_cast<double>(rows * size * size);
  state.counters["OP/s"] = benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(product)->ArgNames({"M", "bits", "int8"})->ArgsProduct({{1, 16, 128}, {4, 8}, {0, 1}});

void round_to_nearest(benchmark::State& state) {
  const engine::RoundToNearest how{.bits = static_cast<int>(state.range(0)),
                                   .mode = state.range(2) != 0 ? engine::WeightMode::asymmetric : engine::WeightMode::narrow,
                                   .group_size = state.range(1)};
  const engine::WeightMatrix weights{.rows = 4096, .columns = 4096, .elements = numbers(std::size_t{4096} * 4096)};
  for (auto _ : state) benchmark::DoNotOptimize(engine::quantize_weights(weights, how).codes.data());
  count_bytes(state, weights.elements.size() * sizeof(float));
}
BENCHMARK(round_to_nearest)->ArgNames({"bits", "group", "asymmetric"})->ArgsProduct({{4, 8}, {32, 128, -1}, {0, 1}});

constexpr SmallFloat formats[] = {float8e4m3fn, float8e5m2, float8e3m4fn};

void encode_float8(benchmark::State& state) {
  const SmallFloat& format = formats[state.range(0)];
  const std::vector<float> from = numbers(1 << 16);
  std::vector<std::uint8_t> codes(from.size());
  const kernels::Float8Codes how = kernels::float8_codes(format, true);
  const kernels::EncodeFloat8 encode = kernels::float8_kernels(selected_isa()).encode;
  for (auto _ : state) {
    encode(how, 0.01F, from.data(), codes.data(), from.size());
    benchmark::DoNotOptimize(codes.data());
  }
  count_bytes(state, from.size() * sizeof(float));
  state.SetLabel(std::string(format.name));
}
BENCHMARK(encode_float8)->DenseRange(0, 2);

void decode_float8(benchmark::State& state) {
  const SmallFloat& format = formats[state.range(0)];
  std::vector<std::uint8_t> codes(1 << 16);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i * 7);
  std::vector<float> to(codes.size());
  const kernels::Float8Codes how = kernels::float8_codes(format, true);
  const kernels::DecodeFloat8 decode = kernels::float8_kernels(selected_isa()).decode;
  for (auto _ : state) {
    decode(how, 0.01F, codes.data(), to.data(), to.size());
    benchmark::DoNotOptimize(to.data());
  }
  count_bytes(state, codes.size());
  state.SetLabel(std::string(format.name));
}
BENCHMARK(decode_float8)->DenseRange(0, 2);

}  // namespace
}  // namespace titrate

BENCHMARK_MAIN();
