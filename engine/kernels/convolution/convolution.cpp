#include "engine/kernels/convolution/convolution.hpp"

#include <algorithm>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/kernels/convolution/columns.hpp"
#include "engine/kernels/convolution/pass.hpp"
#include "engine/kernels/convolution/rows.hpp"
#include "engine/kernels/convolution/winograd.hpp"
#include "engine/kernels/sgemm/matrix.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/kernels/winograd/winograd.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t read_ahead = 32;  // what gathering and tiles may read behind the image

// How the scratch memory is divided; what is left is for the threads.
struct Division {
  std::size_t offsets;  // int32, as many floats
  std::size_t image;    // the channels of one group in their phases

  Division(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PhaseLayout& layout)
      : offsets(whole_lines(static_cast<std::size_t>(geometry.depth()))),
        image(layout.is_image() ? 0
                                : whole_lines(static_cast<std::size_t>(geometry.channels * layout.channel_size()) +
                                              std::max(read_ahead, static_cast<std::size_t>(kernels.columns)))) {}
};

// Small images are laid out once for each tap across: their rows are short, and a panel of columns would be gathered from many. What is
// read in place must stay in the cache, though.
bool suits_taps_across(const ConvolutionGeometry& geometry) {
  constexpr std::int64_t most_floats = 32768;  // 128 KB
  const bool flat = geometry.input[0] == 1 && geometry.output[0] == 1 && geometry.kernel[0] == 1;
  const std::int64_t rows = geometry.output[1] * geometry.stride[1] + geometry.kernel[1] * geometry.dilation[1];
  return flat && geometry.kernel[2] > 1 && geometry.channels * geometry.kernel[2] * rows * geometry.output[2] <= most_floats;
}

}  // namespace

// In units of one multiplication of two registers each cycle for each row of K: a tile column costs one for each filter and its copy two
// and a half, one where only taps are copied apart; a tile row one for each panel of filters and its copy half; turning the rows' sums
// around costs two for each output.
ConvolutionForm preferred_form(const SgemmKernels& kernels, const ConvolutionGeometry& geometry) {
  if (suits_winograd(geometry)) return ConvolutionForm::winograd;
  const auto width = static_cast<double>(kernels.columns);
  const auto outputs = static_cast<double>(geometry.output_size());
  const auto filters = static_cast<double>(geometry.filters);
  const auto depth = static_cast<double>(std::max<std::int64_t>(geometry.depth(), 1));
  const auto panels = [&](double count) {
    return static_cast<double>((static_cast<std::int64_t>(count) + kernels.columns - 1) / kernels.columns);
  };
  const double columns = panels(outputs) * (filters * width / 16 + (suits_taps_across(geometry) ? 1 : 2.5));
  const double rows = outputs * (panels(filters) * width / 16 + 0.5 + 2 * filters / depth);
  return rows < columns ? ConvolutionForm::rows : ConvolutionForm::columns;
}

PackedFilters::PackedFilters(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const float* filters, ConvolutionForm form)
    : form_(form) {
  const auto depth = static_cast<std::size_t>(geometry.depth());
  const auto count = static_cast<std::size_t>(geometry.filters);
  switch (form) {
    case ConvolutionForm::columns:
      group_size_ = count * depth;
      break;
    case ConvolutionForm::rows:
      group_size_ = packed_columns_size(kernels, depth, count);
      break;
    case ConvolutionForm::winograd:
      group_size_ = winograd_points * count * static_cast<std::size_t>(geometry.channels);
  }
  packed_.resize(group_size_ * static_cast<std::size_t>(geometry.groups));
  for (std::size_t group = 0; group < static_cast<std::size_t>(geometry.groups); ++group) {
    const float* own = filters + group * count * depth;
    float* target = packed_.data() + group * group_size_;
    if (form == ConvolutionForm::columns) {
      pack_rows(kernels, {own, count, depth, depth, 1}, target);
    } else if (form == ConvolutionForm::rows) {
      pack_columns(kernels, {own, depth, count, 1, depth}, target);
    } else {
      pack_winograd_filters(kernels, geometry, own, target);
    }
  }
}

PhaseLayout convolution_layout(const ConvolutionGeometry& geometry, ConvolutionForm form) {
  return PhaseLayout(geometry, form == ConvolutionForm::columns && suits_taps_across(geometry) ? Across::taps : Across::phases);
}

std::size_t convolution_scratch(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, ConvolutionForm form,
                                const PhaseLayout* given) {
  if (form == ConvolutionForm::winograd) return winograd_scratch(kernels, geometry);
  if (given == nullptr) {
    const PhaseLayout own = convolution_layout(geometry, form);
    return convolution_scratch(kernels, geometry, form, &own);
  }
  const PhaseLayout& layout = *given;
  if (geometry.channels * layout.channel_size() > std::numeric_limits<std::int32_t>::max()) {
    throw_invalid("the image of a convolution has more than 2^31 elements in a group");
  }
  const Division division(kernels, geometry, layout);
  const std::size_t of_thread = form == ConvolutionForm::columns ? columns_scratch(kernels, geometry) : rows_scratch(kernels, geometry);
  return division.offsets + division.image + static_cast<std::size_t>(thread_count()) * of_thread;
}

void convolve(const SgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedFilters& filters, const float* bias,
              const float* input, float* output, std::span<float> scratch, const Epilogue& epilogue, const PhaseLayout* given) {
  if (filters.form() == ConvolutionForm::winograd) {
    convolve_winograd(kernels, geometry, filters, bias, input, output, scratch, epilogue);
    return;
  }
  if (given == nullptr) {
    const PhaseLayout own = convolution_layout(geometry, filters.form());
    convolve(kernels, geometry, filters, bias, input, output, scratch, epilogue, &own);
    return;
  }
  const PhaseLayout& layout = *given;
  const Division division(kernels, geometry, layout);
  auto* offsets = reinterpret_cast<std::int32_t*>(scratch.data());
  layout.offsets(geometry, offsets);
  float* image = scratch.data() + division.offsets;
  float* of_threads = image + division.image;
  const auto image_size = static_cast<std::size_t>(geometry.channels * layout.channel_size());
  if (!layout.is_image()) std::fill(image + image_size, of_threads, 0.0F);

  for (std::int64_t pair = 0; pair < geometry.batch * geometry.groups; ++pair) {
    const std::int64_t group = pair % geometry.groups;
    const float* channels = input + pair * geometry.channels * geometry.input_size();
    if (!layout.is_image()) layout.fill(geometry, channels, image, pair == 0);
    const ConvolutionPass pass{.kernels = kernels,
                               .geometry = geometry,
                               .layout = layout,
                               .filters = filters.group(group),
                               .bias = bias == nullptr ? nullptr : bias + group * geometry.filters,
                               .image = layout.is_image() ? channels : image,
                               .offsets = offsets,
                               .outputs = output,
                               .first_output = static_cast<std::size_t>(pair * geometry.filters * geometry.output_size()),
                               .epilogue = epilogue};
    if (filters.form() == ConvolutionForm::columns) {
      convolve_columns(pass, of_threads);
    } else {
      convolve_rows(pass, of_threads);
    }
  }
}

}  // namespace titrate::kernels
