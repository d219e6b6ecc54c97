#include "engine/kernels/convolution/integer.hpp"

#include <algorithm>
#include <cstring>

namespace titrate::kernels {
namespace {

template <std::size_t bytes>
void copy_ends(std::uint8_t* target, const std::uint8_t* source, std::size_t count) {
  std::uint8_t last[bytes];
  std::memcpy(last, source + count - bytes, bytes);
  std::memcpy(target, source, bytes);
  std::memcpy(target + count - bytes, last, bytes);
}

// memcpy for the short runs of a receptive field, where a call costs more than the copy. Reads and writes nothing beyond them.
[[gnu::always_inline]] inline void copy_codes(std::uint8_t* target, const std::uint8_t* source, std::size_t count) {
  if (count > 256) {
    std::memcpy(target, source, count);
  } else if (count >= 16) {
    for (std::size_t at = 0; at + 16 < count; at += 16) std::memcpy(target + at, source + at, 16);
    std::memcpy(target + count - 16, source + count - 16, 16);
  } else if (count >= 8) {
    copy_ends<8>(target, source, count);
  } else if (count >= 4) {
    copy_ends<4>(target, source, count);
  } else {
    for (std::size_t at = 0; at < count; ++at) target[at] = source[at];
  }
}

struct ReceptiveFields {
  const ConvolutionGeometry& geometry;
  const std::uint8_t* codes;  // of the group's first channel
  std::uint8_t padding;
  bool rows_are_dense;  // the taps of a kernel row are neighbours in the image as in the field

  ReceptiveFields(const ConvolutionGeometry& of, const std::uint8_t* group_codes, std::uint8_t padding_code)
      : geometry(of),
        codes(group_codes),
        padding(padding_code),
        rows_are_dense(of.groups == 1 && (of.dilation[2] == 1 || of.kernel[2] == 1)) {}
  [[nodiscard]] std::size_t pixel() const { return static_cast<std::size_t>(geometry.groups * geometry.channels); }

  // The taps of one kernel row: `row` is the image's row, `first` the column of the first tap.
  void gather_row(const std::uint8_t* row, std::int64_t first, std::uint8_t* target) const {
    const auto channels = static_cast<std::size_t>(geometry.channels);
    const std::int64_t taps = geometry.kernel[2];
    const std::int64_t width = geometry.input[2];
    if (rows_are_dense) {
      const std::int64_t before = std::clamp<std::int64_t>(-first, 0, taps);
      const std::int64_t end = std::clamp<std::int64_t>(width - first, before, taps);
      if (before > 0) std::memset(target, padding, static_cast<std::size_t>(before) * channels);
      if (end > before) {
        copy_codes(target + static_cast<std::size_t>(before) * channels, row + static_cast<std::size_t>(first + before) * channels,
                   static_cast<std::size_t>(end - before) * channels);
      }
      if (end < taps)
        std::memset(target + static_cast<std::size_t>(end) * channels, padding, static_cast<std::size_t>(taps - end) * channels);
      return;
    }
    for (std::int64_t tap = 0; tap < taps; ++tap, target += channels) {
      const std::int64_t at = first + tap * geometry.dilation[2];
      if (at < 0 || at >= width) {
        std::memset(target, padding, channels);
      } else {
        copy_codes(target, row + static_cast<std::size_t>(at) * pixel(), channels);
      }
    }
  }

  // Every tap lies inside the image, and those of a kernel row are neighbours in it: rows of one length, one below the other.
  void gather_inner(const std::uint8_t* first, std::uint8_t* target) const {
    const std::size_t run = static_cast<std::size_t>(geometry.kernel[2] * geometry.channels);
    const std::size_t row_step = static_cast<std::size_t>(geometry.dilation[1] * geometry.input[2]) * pixel();
    const std::size_t plane_step = static_cast<std::size_t>(geometry.dilation[0] * geometry.input[1] * geometry.input[2]) * pixel();
    for (std::int64_t d = 0; d < geometry.kernel[0]; ++d, first += plane_step) {
      const std::uint8_t* row = first;
      for (std::int64_t h = 0; h < geometry.kernel[1]; ++h, row += row_step, target += run) copy_codes(target, row, run);
    }
  }

  void gather_field(std::int64_t image, const Sizes3& output, std::uint8_t* target) const {
    Sizes3 first;
    bool inside = rows_are_dense;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      first[axis] = output[axis] * geometry.stride[axis] - geometry.pad[axis];
      inside = inside && first[axis] >= 0 && first[axis] + (geometry.kernel[axis] - 1) * geometry.dilation[axis] < geometry.input[axis];
    }
    const std::int64_t plane = image * geometry.input[0] + first[0];
    if (inside) {
      const std::int64_t at = (plane * geometry.input[1] + first[1]) * geometry.input[2] + first[2];
      gather_inner(codes + static_cast<std::size_t>(at) * pixel(), target);
      return;
    }
    const std::size_t run = static_cast<std::size_t>(geometry.kernel[2] * geometry.channels);
    for (std::int64_t d = 0; d < geometry.kernel[0]; ++d) {
      const std::int64_t at_d = first[0] + d * geometry.dilation[0];
      for (std::int64_t h = 0; h < geometry.kernel[1]; ++h, target += run) {
        const std::int64_t at_h = first[1] + h * geometry.dilation[1];
        if (at_d < 0 || at_d >= geometry.input[0] || at_h < 0 || at_h >= geometry.input[1]) {
          std::memset(target, padding, run);
        } else {
          const std::int64_t row = ((image * geometry.input[0] + at_d) * geometry.input[1] + at_h) * geometry.input[2];
          gather_row(codes + static_cast<std::size_t>(row) * pixel(), first[2], target);
        }
      }
    }
  }

  static void gather(const void* source, std::size_t first, std::size_t count, std::uint8_t* target, std::size_t pitch) noexcept {
    const ReceptiveFields& fields = *static_cast<const ReceptiveFields*>(source);
    const Sizes3& size = fields.geometry.output;
    auto index = static_cast<std::int64_t>(first);
    Sizes3 at{index / (size[2] * size[1]) % size[0], index / size[2] % size[1], index % size[2]};
    std::int64_t image = index / fields.geometry.output_size();
    for (std::size_t row = 0; row < count; ++row, target += pitch) {
      fields.gather_field(image, at, target);
      if (++at[2] < size[2]) continue;
      at[2] = 0;
      if (++at[1] < size[1]) continue;
      at[1] = 0;
      if (++at[0] < size[0]) continue;
      at[0] = 0;
      ++image;
    }
  }
};

// Each field is one pixel, and fields follow each other as pixels do.
bool is_pointwise(const ConvolutionGeometry& geometry) {
  bool plain = geometry.taps() == 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    plain = plain && geometry.stride[axis] == 1 && geometry.pad[axis] == 0 && geometry.output[axis] == geometry.input[axis];
  }
  return plain;
}

std::size_t element_size(SumsOutput::Form form) {
  return form == SumsOutput::Form::u8 || form == SumsOutput::Form::s8 ? 1 : sizeof(std::int32_t);
}

// The part of the output that belongs to the filters from `first` on.
SumsOutput from_filter(const SumsOutput& output, std::size_t first) {
  SumsOutput part = output;
  part.target = static_cast<std::byte*>(output.target) + first * element_size(output.form);
  if (output.multipliers != nullptr) part.multipliers = output.multipliers + first;
  if (output.bias != nullptr) part.bias = output.bias + first;
  return part;
}

}  // namespace

PackedCodeFilters::PackedCodeFilters(const IgemmKernels& kernels, const ConvolutionGeometry& geometry, const std::uint8_t* filters,
                                     bool is_signed) {
  const auto depth = static_cast<std::size_t>(geometry.depth());
  const auto count = static_cast<std::size_t>(geometry.filters);
  const auto taps = static_cast<std::size_t>(geometry.taps());
  const auto channels = static_cast<std::size_t>(geometry.channels);
  std::vector<std::uint8_t> ordered(depth * count);  // [filters, tap, channel]
  for (std::size_t group = 0; group < static_cast<std::size_t>(geometry.groups); ++group) {
    const std::uint8_t* source = filters + group * depth * count;
    for (std::size_t filter = 0; filter < count; ++filter) {
      for (std::size_t channel = 0; channel < channels; ++channel) {
        for (std::size_t tap = 0; tap < taps; ++tap) ordered[filter * depth + tap * channels + channel] = *source++;
      }
    }
    groups_.emplace_back(kernels, CodeMatrix{ordered.data(), is_signed, depth, count, 1, depth});
  }
}

std::size_t convolution_scratch(const IgemmKernels& kernels, const ConvolutionGeometry& geometry, const PackedCodeFilters& filters) {
  if (filters.groups().empty()) return 0;
  return product_scratch(kernels, static_cast<std::size_t>(geometry.batch * geometry.output_size()), filters.groups().front());
}

void convolve_codes(const IgemmKernels& kernels, const RequantizeKernels& requantize, const ConvolutionGeometry& geometry,
                    const PackedCodeFilters& filters, std::span<const Compensation> compensations, const CodeImages& images,
                    const SumsOutput& output, std::byte* scratch) {
  const auto rows = static_cast<std::size_t>(geometry.batch * geometry.output_size());
  for (std::size_t group = 0; group < filters.groups().size(); ++group) {
    const std::uint8_t* codes = images.codes + group * static_cast<std::size_t>(geometry.channels);
    const ReceptiveFields fields(geometry, codes, static_cast<std::uint8_t>(images.zero_point));
    const StridedRows pixels{codes, static_cast<std::size_t>(geometry.channels), fields.pixel(), 1};
    const LeftRows left = is_pointwise(geometry)
                              ? pixels.rows(images.is_signed)
                              : LeftRows{.gather = ReceptiveFields::gather, .source = &fields, .is_signed = images.is_signed};
    multiply_codes(kernels, requantize,
                   {rows, left, filters.groups()[group], compensations[group],
                    from_filter(output, group * static_cast<std::size_t>(geometry.filters))},
                   scratch);
  }
}

}  // namespace titrate::kernels
