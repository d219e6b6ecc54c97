#include "benchmarks/beside/onednn.hpp"

#include <cstring>
#include <dnnl.hpp>
#include <unordered_map>

namespace titrate::benchmarks {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;
using Description = dnnl::memory::desc;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory filled(const Description& description, int byte) {
  dnnl::memory memory(description, cpu());
  std::memset(memory.get_data_handle(), byte, description.get_size());
  return memory;
}

class Primitive final : public Contender {
 public:
  Primitive(dnnl::primitive primitive, std::unordered_map<int, dnnl::memory> arguments)
      : stream_(cpu()), primitive_(std::move(primitive)), arguments_(std::move(arguments)) {}
  void run() override {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  dnnl::stream stream_;
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

struct Types {
  Type source, weights, destination;
};

Types types_for(KernelType type) {
  if (type == KernelType::float32) return {Type::f32, Type::f32, Type::f32};
  return {Type::u8, Type::s8, type == KernelType::int8 ? Type::u8 : Type::s32};
}

// A scale for each output channel: dimension 1 of the output, of products and convolutions alike.
dnnl::primitive_attr attributes_for(KernelType type, std::int64_t channels) {
  dnnl::primitive_attr attributes;
  if (type == KernelType::int8) attributes.set_output_scales(1 << 1, std::vector<float>(static_cast<std::size_t>(channels), 0.01F));
  return attributes;
}

Entry product_entry(const KernelCase& kernel, KernelType type) {
  const Types types = types_for(type);
  const Description source({kernel.rows, kernel.depth}, types.source, Tag::ab);
  const Description weights({kernel.depth, kernel.columns}, types.weights, Tag::any);
  const Description destination({kernel.rows, kernel.columns}, types.destination, Tag::ab);
  const dnnl::matmul::primitive_desc prepared(dnnl::matmul::desc(source, weights, destination), attributes_for(type, kernel.columns),
                                              cpu());
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, filled(prepared.src_desc(), 1)},
                                                  {DNNL_ARG_WEIGHTS, filled(prepared.weights_desc(), 1)},
                                                  {DNNL_ARG_DST, filled(prepared.dst_desc(), 0)}};
  return {.name = "onednn",
          .contender = std::make_unique<Primitive>(dnnl::matmul(prepared), std::move(arguments)),
          .remark = prepared.impl_info_str()};
}

Entry convolution_entry(const KernelCase& kernel, KernelType type) {
  const Types types = types_for(type);
  const std::int64_t output = kernel.output_size();
  const std::int64_t groups = kernel.groups;
  const Description source({1, kernel.channels, kernel.size, kernel.size}, types.source, Tag::any);
  const Description destination({1, kernel.filters, output, output}, types.destination, Tag::any);
  const Description weights =
      groups > 1
          ? Description({groups, kernel.filters / groups, kernel.channels / groups, kernel.kernel, kernel.kernel}, types.weights, Tag::any)
          : Description({kernel.filters, kernel.channels, kernel.kernel, kernel.kernel}, types.weights, Tag::any);
  const Description bias({kernel.filters}, type == KernelType::float32 ? Type::f32 : Type::s32, Tag::a);
  const dnnl::memory::dims stride{kernel.stride, kernel.stride};
  const dnnl::memory::dims pad{kernel.pad, kernel.pad};
  const dnnl::convolution_forward::primitive_desc prepared(
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source, weights, bias,
                                      destination, stride, pad, pad),
      attributes_for(type, kernel.filters), cpu());
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, filled(prepared.src_desc(), 1)},
                                                  {DNNL_ARG_WEIGHTS, filled(prepared.weights_desc(), 1)},
                                                  {DNNL_ARG_BIAS, filled(prepared.bias_desc(), 0)},
                                                  {DNNL_ARG_DST, filled(prepared.dst_desc(), 0)}};
  return {.name = "onednn",
          .contender = std::make_unique<Primitive>(dnnl::convolution_forward(prepared), std::move(arguments)),
          .remark = prepared.impl_info_str()};
}

}  // namespace

Entry onednn_entry(const KernelCase& kernel, KernelType type) {
  if (kernel.kind == KernelKind::packed_product) return {.name = "onednn", .contender = nullptr, .remark = "has no 4-bit weights"};
  try {
    return kernel.kind == KernelKind::convolution ? convolution_entry(kernel, type) : product_entry(kernel, type);
  } catch (const dnnl::error& error) {
    return {.name = "onednn", .contender = nullptr, .remark = error.message};
  }
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
}

}  // namespace titrate::benchmarks
