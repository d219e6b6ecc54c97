// Decoded pictures are, byte for byte, those of Pillow 9.4 after convert("RGB"): the files were made and the checksums taken with it.
#include "datasets/picture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::Shape;
using engine::Tensor;
using testing::HasSubstr;

constexpr std::string_view jpeg_420 =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMR"
    "EyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAATABUDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAA"
    "AAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpT"
    "VFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QA"
    "HwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom"
    "JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk"
    "5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDi7XT84+Wta30wAZYACtSysQF3EcCtO3sejuMk9BShOmqalJXb/AnA5g77mTFp8e3hGPuBRXTpZEDkNn0XtRWEsTTTs0vu"
    "PqIY98q1ILZF8peByea1IEXex2j5V4/KiiuRN8sfl+TPzbAPUvRgIoCgAY9KKKK8ipXqxk4xk0vU+qh8KP/Z";
constexpr std::string_view jpeg_422 =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMR"
    "EyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAATABUDASEAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAA"
    "AAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpT"
    "VFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QA"
    "HwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom"
    "JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk"
    "5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDi7XT84+Wta30wAZYACrpUY1I80tjrwOJtY0YtPj28Ix9wKKnlw3SLfyX+Z9PDES5VqPsrEBdxHArTt7Ho7jJPQVkqi9lF"
    "Pbd/kj8+wFfU0UsiByGz6L2orjniWpNNyv5bei16H1EK/uogtkXyl4HJ5rUgRd7HaPlXj8qlTfLH5fk3+Z8HgGy9GAigKABj0orzJYytTfJB6LyX+R9VDWKP/9k=";
constexpr std::string_view jpeg_progressive =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMR"
    "EyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAATABUDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAA"
    "AAQDBf/EABkBAAIDAQAAAAAAAAAAAAAAAAEFAgMEBv/aAAwDAQACEAMQAAAB4tdVIEjqINM6inmtxka//8QAGRAAAwEBAQAAAAAAAAAAAAAAAAECAxIx/9oACAEBAAEFApzJ"
    "zFmiIJg4J8Qj/8QAGREAAwADAAAAAAAAAAAAAAAAAAEDBCEx/9oACAEDAQE/AYZAr6IC4f/EABoRAAMBAAMAAAAAAAAAAAAAAAABAhEDEkH/2gAIAQIBAT8BTnrrHySeIq6T"
    "xM//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAY/Ah//xAAdEAACAgEFAAAAAAAAAAAAAAAAAREhMUFRYXGB/9oACAEBAAE/IeI3SBhlMmqxdvBFAVS6wiio/9oADAMB"
    "AAIAAwAAABAbD/3/xAAYEQACAwAAAAAAAAAAAAAAAAAAAREhMf/aAAgBAwEBPxBk6PhY9mR//8QAGhEBAQACAwAAAAAAAAAAAAAAAQARkXGhsf/aAAgBAgEBPxAwDK9QnCGo"
    "XR4yxAc3/8QAHBABAAICAwEAAAAAAAAAAAAAAQARITFBUWGR/9oACAEBAAE/ELKgQsATUN6EIsME0Ha6I4ZLdcJrRlzL1Tg+QBAArqf/2Q==";
constexpr std::string_view jpeg_grey =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wAALCAATABUB"
    "AREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcY"
    "GRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ"
    "2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AOLtdPzj5a1rfTABlgAK0YtPj28Ix9wKfZWIC7iOBWnb2PR3GSegrRSyIHIbPovaoLZF8peByea1IEXex2j5V4/Kr0YC"
    "KAoAGPSv/9k=";
constexpr std::string_view jpeg_cmyk =
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJTUjI+WmFaUGBKUVJP/8AAFAgAEwAVBEMR"
    "AE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNi"
    "coIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS"
    "09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwDitH/hrjP7H/2a4fStM+2bflzmvTq7vR/4aP7H/wBmuqj8I2Vva/atQeKCEfxOcZOCcAdScA8D"
    "k0V21h/qKP7H/wBmnR6T4dLMI7K+uVGMSxQAK3HbcwPtyKK8O0f+GvQP7H/2ab4Mjt7fTXv7viGBN7dMn0AzgZJ4A7kiiu70f+Gj+x/9mrkUXmf8TjW/391N8tvbpxux0VR/"
    "CozyffuTyV21h/qKP7H/ANmlvZbiCZftlxfJOUXNvppKJCMcbhuHJyTySfoMUV4do/8ADXY+VH/dFZunSNH4RtI1IC3F1HHIMA7lwzY9uVU/hRXd6P8Aw0eVH/dFbpcrq+qz"
    "ALvsbL/RztHyYi3j6/MxPOetFdtYf6ijyo/7orGn1O70Vre20xo4YXtUkZfJRssWcZywJ6AUV//Z";
constexpr std::string_view png_rgb =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATCAIAAADwLNHcAAAApklEQVR4nKXQXQfDMBSA4Xc2Y2zGGKWUMEI5hBLK/v/v2kXWSpqPJR3vxUl4nMgBuP7RiRtw3N3qz/vy/WVH"
    "G9/8A7G/N5X0j4qsG3L+mUk2NwXfhenopoOu7HvoQS1Dop9+yDfDUPYKBlCprBtq9it4eRn/WPA69Bo0yDJ8q9+vYYx657xEXmAE8ZpBKvebZb+AAQPWDa3vd35aS3obeht6"
    "CxNY1wf8EiAST/csvQAAAABJRU5ErkJggg==";
constexpr std::string_view png_palette =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATBAMAAACNYFu4AAAAG1BMVEW014S0sI60iXs2ym82iW60TpC0FEQ2TlE2FBS61CF6AAAAiklEQVR4nE3KQQrCMBCF4ZcbZOIF0gH3"
    "hXoCmeC2m9StCM0BpDI3sD22kxSl/+rj8bC1ivVA4+fg8veqZc45j2ZVzXn3qvqurB9tnso8wuYlGc/2MUq6P7n+jZKUOU8RKiK3F3fEETbLcjWapdZRYPLm4SJETBQx1Cg4"
    "Cj/DEdDcn+AAv9sf3KP2Bc+9OyY3b7JtAAAAAElFTkSuQmCC";
constexpr std::string_view png_grey_alpha =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATCAQAAADVR44AAAAAGklEQVR4nGNkYOAhErIw8DIQCUaVjiodpkoB1mMCJL4rzv4AAAAASUVORK5CYII=";
constexpr std::string_view png_rgba =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATCAYAAAB/TkaLAAAArklEQVR4nK3RbwcCQRDH8V9KxCYiIo4llhiWWI7e/+vqwU3bts3+u90HH+aG+5pzGwBQgBpphyMAbIcKovth"
    "ouhhCCGquiWipy6Z6LmR83MheikgcV8RvQpMYr+ojN6YDua0huhUYQYw1UY1v6QznJ8bL9UA7hH7t6uIGiFqGAXz18pLDYBHwqsUpUSUOECRGQCtudQGlxI/W/5Ry9z5+Z/o"
    "80cm6oSoE6KOY857A4ZgIQKfwyMNAAAAAElFTkSuQmCC";
constexpr std::string_view png_bits =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATAQAAAABXNXsmAAAAV0lEQVR4nAFMALP/AAAAAAEAJSsCAuP4BAaaBgEh9BMBBEZWAk5fuAAJKqAEO2GzAuYFUAIgACgC4AOoAaWy"
    "+QKwA6gCAZOwAgTJUARRpfIAXe/4Ak3LAMtYFqMfaYxtAAAAAElFTkSuQmCC";
constexpr std::string_view png_rgb16 =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATEAIAAACgvA2fAAAFGElEQVR42h3VQagjdx3A8VRBKnRqLQhDXMsqi8FSYaxhqfrApuxhbCVUWVSagwOtJWIORUkJHkoJj7aHwgTU"
    "2sIcSq3wggp7CLkpjwbKzxokSA+5BFp4rZCLD+yhYK1+5s9jvksyM//P/uc/M+l0ov27IzVPvZZapJ6klqk3U6vUSeos9TR1kdqknqWuUs9Tt6n71IvUy9ROJ7LEZ/FJfBaf"
    "wmfxaXzm2xP9DD6Lu/FZfA6fOW6in8dncQ8+iy/iM2c22sNncS8+i6/iM2Nt9ev4LK7js/gGPmsn14lu4rvgXO8wSBdWaO6ALqDUa/iuQSst8F0DzfQE342H8F3HNTrEdx29"
    "0sfwXeds9Ul815kX+nN8t716Hf/blu+Zca53g3pmVug1g/fMoNTrBuzFtw3V83mi33N6D3Cqj+N7vm10iu/FM/hePI/v2bfVV/C9eA3fiz/ge+3ydKKf+L4t1xzatxVa4Pu2"
    "Ukt831ZpBerbZjrD920LXeD7tjM9M3jfdq7n+L5tr3t833aply0/SPzAGud6D3pgxoWe+BvEI+iBWd7Un6IHyIk+799BvIQexO/RA1ijG/Qg/uHTIN5FDzBb/R96EHeiB/EF"
    "3w3ivpYfJn7osud6zd/QpS60xA/BpU7wQ5e00oVPQ5dxpiv8MN703dDwjR7xw/jIniHsXK/ih3G//cO4gR/GD/DDGLf8KPEjd3Wu9+JH1rjQm/iRGZf6jE+j+BV+ZPiJ/hk/"
    "MstT/Sd+hGz0s/aP4sv4UXwLP4pH8aP4CX4Uv8SPosaP4vWWHyd+DM+1wI+BhVb4MaTUBX5s4ErP8WODzfQSP47b7R+bZaMPOGqMXGl77DiexY/jZWeM4xZ+HOG8cbzT8tPE"
    "T93tuV7HT93VhU7wU2tc6mv4qRlXurdnGv/GT13eU/0KfurCNvpj/NQsV/ob/BS51b85bxrv46dxG34aV1p+nvi5my7XE/zcehc682nu5ip1hZ+71JVe4ufgmd6Hn8fD+Ln5"
    "NPocfu7CrvQN/Nwst/oxfo680G8aYx4/avk68bU3V64P4WvPcaGn+NpdXeqb+NoaV3o7vjbjmT7sqDp+hq/jRXwdf8LX8Xd8Hf/C13EXvo6v4ev4Pr6OX+Dr+HXLN4lvsLmW"
    "6dU5wTeGPNFVepvt8Y2bq9Kr6QVzA9+u9am+mJ75W7Ym3sY38WF6DK/gm3gQ38QT6cl4Ad/EH/FN7Fp+mfilt1Cu7aO3tC6FNvil57jUI37prq70AfzSGs/0OfzSjBf6tjOW"
    "8R/8Mr6EX8Z38Mt4Cr+M3+KX8Rf8Mt7DL9sfuk6sE7/2yOV6E7/2mBV6hl9b71I/smftcar0UfzazTXT1/Frl3qhH+LX4DP9Ln4dT+PX8Sp+HW/h1/EBfu0+u9Sy5TeJ33jT"
    "5foYfuNuL3SF33hzlXonfuM5rnSM37irZ/oGfmONF3oFvzHjM33a2Zv4HX7jIm/1v/iNSV7oD/Gb9qe6064AfgfMtcLvDFboOX7nwFKv4nfmXemz+J2Vnuk7Btm5uRb6YFrP"
    "p/A7M15pO8Yu/d634+/T+Bdp/Mu0D39I/MHvca5P4g9+nQrd4g/e1aXejz94c1X6Mv7gOZ7px/iDu3qhT+AP1vhM38IfzPhc29/7g6dpry/hD/FX/MGC4o+JP3rh5DrBH71k"
    "Ct3jjy57qTfwR+td6S1HHb1AZnoFf/Q4LfQF/NHNdaYf4I8u9bm2v/dH8F63+GN8An90C/8fD4m5qT2OkYEAAAAASUVORK5CYII=";
constexpr std::string_view png_grey16 =
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATEAAAAAAKtcUUAAAAPklEQVR42mNgOMFzQuKEygmDEzYnPE6EnEg4kXOi4kTLiQkn5pxYcWLLiQMnzpy4ceLJiQ8nGEaVjiod8UoB"
    "cvPy0NEcFPEAAAAASUVORK5CYII=";

Tensor decode(const std::string& file) { return decode_picture(as_span(file), "cat.jpg"); }
std::string error_for(const std::string& file) {
  return error_of([&] { (void)decode(file); });
}

TEST(Picture, IsDecodedAsPillowDoes) {
  const std::vector<std::tuple<const char*, std::string_view, std::uint32_t>> pictures = {
      {"jpeg_420", jpeg_420, 0x1270ccbb},
      {"jpeg_422", jpeg_422, 0x32fabd93},
      {"jpeg_progressive", jpeg_progressive, 0x1270ccbb},
      {"jpeg_grey", jpeg_grey, 0x39491eca},
      {"jpeg_cmyk", jpeg_cmyk, 0xc6a51e9d},
      {"png_rgb", png_rgb, 0x6beb4907},
      {"png_palette", png_palette, 0x158c50cf},
      {"png_grey_alpha", png_grey_alpha, 0xd57c3b22},
      {"png_rgba", png_rgba, 0x6beb4907},
      {"png_bits", png_bits, 0xe466e3ca},
      {"png_rgb16", png_rgb16, 0x6beb4907},
      {"png_grey16", png_grey16, 0xd57c3b22},
  };
  for (const auto& [name, base64, crc] : pictures) {
    const Tensor picture = decode(from_base64(base64));
    EXPECT_EQ(picture.shape(), (Shape{19, 21, 3})) << name;
    EXPECT_EQ(crc_of(picture), crc) << name;
  }
}

TEST(Picture, EveryTruncationIsAnError) {
  for (const std::string_view base64 : {jpeg_420, jpeg_progressive, jpeg_cmyk, png_rgb, png_palette}) {
    const std::string file = from_base64(base64);
    // The last two bytes of a JPEG only say that it ends.
    for (std::size_t size = 0; size + 2 < file.size(); ++size) EXPECT_THAT(error_for(file.substr(0, size)), HasSubstr("cat.jpg")) << size;
  }
}

TEST(Picture, EveryFlippedByteIsDecodedOrRefused) {
  for (const std::string_view base64 : {jpeg_420, jpeg_progressive, jpeg_cmyk, png_rgb, png_palette}) {
    const std::string file = from_base64(base64);
    for (std::size_t at = 0; at < file.size(); ++at) {
      std::string flipped = file;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x29);
      try {
        EXPECT_EQ(decode(flipped).rank(), 3);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid) << at << ": " << error.what();
      }
    }
  }
}

TEST(Picture, RefusesHugeSizesBeforeDecoding) {
  std::string jpeg = from_base64(jpeg_420);
  const std::size_t frame = jpeg.find("\xff\xc0");
  jpeg.replace(frame + 5, 4, "\xfd\xe8\xfd\xe8");
  EXPECT_THAT(error_for(jpeg), HasSubstr("65000 x 65000 pixels"));
  EXPECT_THAT(error_of([] { check_picture_size(8001, 8000, "x.png"); }), HasSubstr("at most 64000000"));
  EXPECT_NO_THROW(check_picture_size(8000, 8000, "x.png"));
}

TEST(Picture, RefusesOtherFormats) {
  EXPECT_THAT(error_for("GIF89a"), AllOf(HasSubstr("neither a JPEG nor a PNG"), HasSubstr("cat.jpg")));
  EXPECT_THAT(error_for(""), HasSubstr("neither"));
}

}  // namespace
}  // namespace titrate
