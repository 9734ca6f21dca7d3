# What a port compiles of the agent. JSA is the path to this folder; include
# directories are $(JSA_INCLUDES). Buffer sizes are set with -D: see agent_config.h.
JSA_INCLUDES = $(JSA) $(JSA)/../runtime $(JSA)/../include

# How plans come: over the link. A port that takes them in the image of its firmware alone sets this to
# $(JSA)/upload_read_only.c.
JSA_UPLOAD ?= $(JSA)/upload.c

JSA_SOURCES = $(JSA_UPLOAD) $(addprefix $(JSA)/, agent_main.c answer.c arena.c capabilities.c \
    frame_decoder.c frame_writer.c handshake.c input.c plan.c readback.c run.c session.c start.c)
